/**
 * Browsers in which an operator has come through both steps before, known by a signed cookie. Whoever guesses at a name from
 * elsewhere takes nothing from them (OWASP, "Device cookies").
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { WatchCtx } from '../app/context.ts'
import { keepOnce } from '../store/index.ts'
import { COOKIE_PREFIX } from './auth-engine.ts'

const COOKIE = `${COOKIE_PREFIX}.device`
const NONCE_BYTES = 12
const SECRET_BYTES = 32
/** Browsers keep no cookie for longer (RFC 6265bis, 5.5). */
const MAX_AGE_S = 400 * 86_400

export interface KnownDevice {
  /** In lower case. */
  readonly name: string
  readonly nonce: string
}

export interface KnownDevices {
  /** Null: none, or a forged one. */
  read(cookie: string | undefined): KnownDevice | null
  /** A `Set-Cookie` header that makes this browser known for the operator. */
  remember(name: string): string
}

/** Reads the key of the signatures; the first start makes it. */
export async function openKnownDevices(ctx: WatchCtx): Promise<KnownDevices> {
  const secret = await keepOnce(ctx.store, {
    name: 'operators-devices',
    nowMs: ctx.clock.now().getTime(),
    make: () => ctx.randomBytes(SECRET_BYTES).toString('base64url'),
  })
  const sign = (text: string): Buffer => createHmac('sha256', secret).update(text).digest()
  const isSecure = ctx.config.publicUrl?.startsWith('https:') ?? false
  return {
    read(cookie) {
      const pair = cookie?.split(';').find((one) => one.trim().startsWith(`${COOKIE}=`))
      const [name, nonce, signature] = pair?.split('=', 2)[1]?.split('~') ?? []
      if (!name || !nonce || !signature) return null
      const expected = sign(`${name}~${nonce}`)
      const given = Buffer.from(signature, 'base64url')
      const isOurs = given.length === expected.length && timingSafeEqual(given, expected)
      return isOurs ? { name, nonce } : null
    },
    remember(name) {
      const text = `${name.toLowerCase()}~${ctx.randomBytes(NONCE_BYTES).toString('base64url')}`
      const value = `${text}~${sign(text).toString('base64url')}`
      return `${COOKIE}=${value}; Path=/operate; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
    },
  }
}
