import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TAG_MAX_LENGTH, TAGS_MAX } from '../../../contract/videos.ts'
import { cleanCaption, parseMentions, parseTags } from './captions.ts'

test('tags are letters, digits and _ of any script, lower case, each once, in order', () => {
  expect(parseTags('#Zug und #zug, #日本語 #हिन्दी #naïve_2! #٣رقم')).toEqual([
    'zug',
    '日本語',
    'हिन्दी',
    'naïve_2',
    '٣رقم',
  ])
})

test('numbers alone, parts of words, addresses and entities are no tags', () => {
  expect(parseTags('We are #1, a#b, https://x.example/#top, &#39; ##double #')).toEqual([])
})

test('limits hold at their edges', () => {
  const longest = 'a'.repeat(TAG_MAX_LENGTH)
  expect(parseTags(`#${longest} #${longest}a`)).toEqual([longest])
  const many = Array.from({ length: TAGS_MAX + 1 }, (_, i) => `t${i}`)
  expect(parseTags(many.map((tag) => `#${tag}`).join(' '))).toEqual(many.slice(0, TAGS_MAX))
})

test('any text becomes a caption that stays as it is when cleaned again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const caption = cleanCaption(text)
      expect(caption).not.toContain('\u0000')
      expect(caption.isWellFormed()).toBe(true)
      expect(cleanCaption(caption)).toBe(caption)
    }),
  )
})

test.each([
  ['@ada and @Ada, @grace.hopper.', ['ada', 'grace.hopper']],
  ['me@example.org, https://x.org/@ada, @@ada, a@b', []],
  ['@ab @aaaaaaaaaaaaaaaaaaaaaaaaa', []],
  ['(@ada)\n@bob_1', ['ada', 'bob_1']],
  [
    Array.from({ length: 12 }, (_, n) => `@person${n}`).join(' '),
    Array.from({ length: 10 }, (_, n) => `person${n}`),
  ],
])('%j mentions %j', (caption, handles) => {
  expect(parseMentions(caption)).toEqual(handles)
})
