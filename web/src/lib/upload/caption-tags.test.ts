import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countTags, splitCaption } from './caption-tags.ts'

const tagsOf = (caption: string) => splitCaption(caption).flatMap((part) => (part.isTag ? [part.text] : []))

test('a tag begins with # at the start of a word and has a letter in it', () => {
  expect(tagsOf('Rain in #Oslo, #snø! a#b #1 ##x #été_2026')).toEqual(['#Oslo', '#snø', '#été_2026'])
})

test('the parts of any caption are the caption again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (caption) => {
      expect(
        splitCaption(caption)
          .map((part) => part.text)
          .join(''),
      ).toBe(caption)
    }),
  )
})

test('a tag counts once, however it is written', () => {
  expect(countTags('#Rain and #rain and #ＲＡＩＮ')).toBe(1)
})

test('a tag that is too long is text', () => {
  expect(countTags(`#${'x'.repeat(64)}`)).toBe(1)
  expect(countTags(`#${'x'.repeat(65)}`)).toBe(0)
})

test('after thirty tags the rest is text', () => {
  const caption = Array.from({ length: 31 }, (_, index) => `#tag${index}`).join(' ')
  expect(tagsOf(caption)).toHaveLength(30)
  expect(countTags(`${caption} #tag0`)).toBe(30)
})
