import { expect, test } from 'vitest'
import { signMediaToken, verifyMediaToken } from './media-urls.ts'

const VIDEO = '0190a1b2-0000-7000-8000-000000000001'
const at = (text: string) => new Date(`2026-01-01T${text}Z`)

test('a token is the same within an hour and ends after five to six hours', () => {
  const token = signMediaToken('secret', VIDEO, at('10:00:00'))
  expect(signMediaToken('secret', VIDEO, at('10:59:59'))).toBe(token)
  expect(signMediaToken('secret', VIDEO, at('11:00:00'))).not.toBe(token)
  expect(verifyMediaToken('secret', VIDEO, token, at('15:59:59'))).toEqual(at('16:00:00'))
  expect(verifyMediaToken('secret', VIDEO, token, at('16:00:00'))).toBeNull()
})

test('a token opens one video, under one secret, in one spelling', () => {
  const now = at('10:00:00')
  const token = signMediaToken('secret', VIDEO, now)
  expect(verifyMediaToken('secret', VIDEO.replace(/1$/, '2'), token, now)).toBeNull()
  expect(verifyMediaToken('other', VIDEO, token, now)).toBeNull()
  for (const forged of ['', 'x', `${token}=`, `${token}A`, token.slice(1), `A${token.slice(1)}`])
    expect(verifyMediaToken('secret', VIDEO, forged, now)).toBeNull()
})
