/**
 * A way for the doctor to learn what a proxy in front lets through: a body that goes where uploads go, is counted and
 * dropped. Whoever sends one shows a permit that only this instance's own secrets can make.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const PROBE_PATH = '/api/v1/uploads/body-probe'
export const PERMIT_HEADER = 'x-upbeat-permit'
/** More than the doctor sends. */
export const PROBE_MAX_BYTES = 64 * 1024 * 1024
const PERMIT_LIFE_S = 600

const macOf = (secret: string, expiresAtS: number): Buffer =>
  createHmac('sha256', secret).update(`body-probe\0${expiresAtS}`).digest()

/** A permit for the next ten minutes. */
export function signProbePermit(secret: string, now: Date): string {
  const expiresAtS = Math.floor(now.getTime() / 1_000) + PERMIT_LIFE_S
  return `${expiresAtS}.${macOf(secret, expiresAtS).toString('base64url')}`
}

/** Compares in constant time. */
export function isProbePermit(secret: string, permit: unknown, now: Date): boolean {
  const [expiry, mac] = typeof permit === 'string' ? permit.split('.', 2) : []
  const expiresAtS = Number(expiry)
  if (mac === undefined || !Number.isSafeInteger(expiresAtS)) return false
  const leftS = expiresAtS - now.getTime() / 1_000
  if (leftS <= 0 || leftS > PERMIT_LIFE_S + 60) return false
  const given = Buffer.from(mac, 'base64url')
  const expected = macOf(secret, expiresAtS)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
