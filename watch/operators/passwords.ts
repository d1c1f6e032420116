/** Hashing of operators' passwords: Argon2id (RFC 9106) by node:crypto, in the PHC string format. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const deriveKey = promisify(argon2)

/** OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 passes, 1 lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const
const NONCE_BYTES = 16
const STORED = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const derive = (password: string, nonce: Buffer): Promise<Uint8Array> =>
  deriveKey('argon2id', { message: password.normalize('NFKC'), nonce, ...COST })

/** Takes about 30 ms of a core and 19 MiB; the sign-in is limited in how often it may be asked. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(NONCE_BYTES)
  const tag = Buffer.from(await derive(password, nonce))
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${base64(nonce)}$${base64(tag)}`
}

/** False for any other format, too. */
export async function verifyPassword({
  hash,
  password,
}: {
  readonly hash: string
  readonly password: string
}): Promise<boolean> {
  const [, nonce, tag] = STORED.exec(hash) ?? []
  if (!nonce || !tag) return false
  const expected = Buffer.from(tag, 'base64')
  const actual = Buffer.from(await derive(password, Buffer.from(nonce, 'base64')))
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
