import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { findNumber } from './find-number.ts'

const challengeOf = (number: number) => ({
  algorithm: 'SHA-256',
  challenge: createHash('sha256').update(`salt?expires=1&${number}`).digest('hex'),
  salt: 'salt?expires=1&',
  maxNumber: 500,
  signature: '',
})

test('the number is found up to the last one, and not beyond', () => {
  expect(findNumber(challengeOf(0))).toBe(0)
  expect(findNumber(challengeOf(500))).toBe(500)
  expect(findNumber(challengeOf(501))).toBeNull()
})

test('an algorithm that is not known is not tried', () => {
  expect(findNumber({ ...challengeOf(1), algorithm: 'SHA-512' })).toBeNull()
})
