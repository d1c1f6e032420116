import { expect, test } from 'vitest'
import { formatMessage } from './catalogue.ts'

test('parameters go where they are named, and numbers are written the way of the language', () => {
  expect(formatMessage('{who} has {n} videos', { who: 'Ann', n: 1234 }, 'en')).toBe('Ann has 1,234 videos')
  expect(formatMessage('{who} hat {n} Videos', { who: 'Ann', n: 1234 }, 'de')).toBe('Ann hat 1.234 Videos')
})

test('a plural is chosen by the rules of the language', () => {
  const forms = { one: '{n} like', other: '{n} likes' }
  expect(formatMessage(forms, { n: 1 }, 'en')).toBe('1 like')
  expect(formatMessage(forms, { n: 0 }, 'en')).toBe('0 likes')
  expect(formatMessage({ one: '{n} film', few: '{n} filmy', other: '{n} filmů' }, { n: 3 }, 'cs')).toBe(
    '3 filmy',
  )
})

test('a parameter that is missing stays visible instead of reading "undefined"', () => {
  expect(formatMessage('Hello {name}', {}, 'en')).toBe('Hello {name}')
})

test('a value that looks like a placeholder is not replaced again', () => {
  expect(formatMessage('{a} {b}', { a: '{b}', b: 'x' }, 'en')).toBe('{b} x')
})
