/**
 * Two signed cookies that say nothing of who somebody is: `upbeat.known`, that somebody has signed in on this device
 * before; `upbeat.pass`, that it has proved work. Both are good by their signature alone: nothing is kept of them here.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readCookie } from '../../../kit/admission/index.ts'
import { STANDING_MS } from './standings.ts'

export type PassKind = 'device' | 'pass'

/** As long as browsers keep any cookie (RFC 6265bis, 5.5). */
const DEVICE_S = 400 * 24 * 3_600
/** Whoever stays longer proves once more; beside signed-in people nobody waits for that. */
const PASS_S = STANDING_MS.proven / 1_000
const SECONDS: Readonly<Record<PassKind, number>> = { device: DEVICE_S, pass: PASS_S }
const ID_BYTES = 12
const MAC_LENGTH = 22

/** The cookie's name, value and life in seconds. */
export interface IssuedPass {
  readonly name: string
  readonly value: string
  readonly maxAgeS: number
}

/** Makes a new one: `id.expiry.mac`. */
export function issuePass(secret: string, kind: PassKind, nowMs: number): IssuedPass {
  const said = `${randomBytes(ID_BYTES).toString('base64url')}.${expiryOf(nowMs, SECONDS[kind])}`
  return { name: nameOf(kind), value: `${said}.${macOf(secret, kind, said)}`, maxAgeS: SECONDS[kind] }
}

/** Its id; null: there is none, or it is not ours, or its time is over. */
export function readPass(
  secret: string,
  kind: PassKind,
  cookieHeader: string | undefined,
  nowMs: number,
): string | null {
  const text = readCookie(cookieHeader, nameOf(kind))
  const [id, expiry, mac, ...rest] = text?.split('.') ?? []
  if (!id || !expiry || mac?.length !== MAC_LENGTH || rest.length > 0) return null
  const expected = Buffer.from(macOf(secret, kind, `${id}.${expiry}`))
  const given = Buffer.from(mac)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  return Number.parseInt(expiry, 36) * 1_000 > nowMs ? id : null
}

/** Not `upbeat.device`: that one says at which account the device is known (modules/accounts). */
const NAMES: Readonly<Record<PassKind, string>> = { device: 'upbeat.known', pass: 'upbeat.pass' }
const nameOf = (kind: PassKind): string => NAMES[kind]
const expiryOf = (nowMs: number, lifeS: number): string => (Math.floor(nowMs / 1_000) + lifeS).toString(36)
const macOf = (secret: string, kind: PassKind, said: string): string =>
  createHmac('sha256', secret).update(`${kind}\n${said}`).digest('base64url').slice(0, MAC_LENGTH)
