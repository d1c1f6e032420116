/**
 * What a browser shows while the database can't be asked who its session belongs to: a cookie in which we said so lately,
 * signed. It proves nothing by itself: it goes with the session's own cookie, for a day, and only while there is no database.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Me } from '../../../../contract/accounts.ts'
import { readCookie } from '../../../../kit/admission/index.ts'

export const ASSERTION_COOKIE = 'upbeat.assertion'
/** From when it was made. Either way: clocks are set back, too. */
export const ASSERTION_VALID_MS = 24 * 3_600_000
/** An older one is replaced with the next answer that looks the session up. */
export const ASSERTION_RENEWED_MS = 3_600_000
/** Browsers drop larger ones, RFC 6265 6.1. The largest profile stays below. */
export const COOKIE_MAX_BYTES = 4_096

const FORMAT = 1

export interface Assertion {
  readonly account: Me
  readonly sessionId: string
  readonly expiresAtMs: number
  readonly issuedAtMs: number
}

interface Written extends Assertion {
  readonly format: typeof FORMAT
  /** Of the session's token: an assertion is good for the session that it was made for alone. */
  readonly tokenHash: string
}

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** The cookie's value. */
export function signAssertion(secret: string, token: string, assertion: Assertion): string {
  const written: Written = { format: FORMAT, tokenHash: hashToken(token), ...assertion }
  const text = Buffer.from(JSON.stringify(written)).toString('base64url')
  return `${text}.${sign(secret, text)}`
}

/** The assertion that a browser shows for this session; null: none, or none that is good at this time. */
export function readAssertion(
  cookieHeader: string | undefined,
  { secret, token, nowMs }: { readonly secret: string; readonly token: string; readonly nowMs: number },
): Assertion | null {
  const [text, given] = readCookie(cookieHeader, ASSERTION_COOKIE)?.split('.', 2) ?? []
  if (!text || !given || !isSame(given, sign(secret, text))) return null
  const written = JSON.parse(Buffer.from(text, 'base64url').toString()) as Written
  const isGood =
    written.format === FORMAT &&
    written.tokenHash === hashToken(token) &&
    Math.abs(nowMs - written.issuedAtMs) <= ASSERTION_VALID_MS &&
    written.expiresAtMs > nowMs
  return isGood ? written : null
}

/** By a key that signs nothing else. */
const sign = (secret: string, text: string) =>
  createHmac('sha256', `assertion ${secret}`).update(text).digest('base64url')

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
