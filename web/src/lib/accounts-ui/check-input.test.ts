import { expect, test } from 'vitest'
import { checkEmail, checkHandle, checkPassword } from './check-input.ts'

test('a handle has 3 to 24 letters, digits, "_" and ".", and ends as it begins', () => {
  for (const good of ['abc', 'a.b', 'A_1', 'x'.repeat(24)]) expect(checkHandle(good)).toBeNull()
  for (const bad of ['', 'ab', 'x'.repeat(25), 'a b', 'été', '_ab', 'ab.', '@abc'])
    expect(checkHandle(bad)).not.toBeNull()
})

test('a handle in the making is told what is missing, not that it is wrong', () => {
  expect(checkHandle('a')).toBe('2 more characters are needed.')
  expect(checkHandle('a_')).toBe('1 more character is needed.')
  expect(checkHandle('é')).toContain('without accents')
})

test('a password has 8 to 256 characters', () => {
  expect(checkPassword('1234567')).toBe('1 more character is needed.')
  expect(checkPassword('12345678')).toBeNull()
  expect(checkPassword('x'.repeat(256))).toBeNull()
  expect(checkPassword('x'.repeat(257))).not.toBeNull()
})

test('an e-mail address may be left out, but not be half written', () => {
  expect(['', ' ', 'a@b.co', 'ä@ü.example'].map(checkEmail)).toEqual([null, null, null, null])
  expect(['a', 'a@', 'a@b', 'a b@c.de', 'a@b..de'].map((email) => checkEmail(email) !== null)).toEqual(
    Array(5).fill(true),
  )
})
