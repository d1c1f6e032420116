import { expect, test } from 'vitest'
import { encodeMetadata, shortenName } from './create-upload.ts'

test('metadata are base64 of their UTF-8 bytes', () => {
  expect(encodeMetadata({ filename: 'été.mp4', publish: '1' })).toBe('filename w6l0w6kubXA0,publish MQ==')
  expect(encodeMetadata({ caption: '🎉' })).toBe('caption 8J+OiQ==')
})

test('a name that is too long keeps its ending', () => {
  const name = shortenName(`${'é'.repeat(300)}.mov`)
  expect(name).toHaveLength(255)
  expect(name.endsWith('é.mov')).toBe(true)
  expect(shortenName('a.mp4')).toBe('a.mp4')
  expect(shortenName('')).toBe('video')
})

test('a name is never cut through the middle of a character', () => {
  const name = shortenName(`${'x'.repeat(250)}${'🎉'.repeat(20)}.mp4`)
  expect(name.isWellFormed()).toBe(true)
})
