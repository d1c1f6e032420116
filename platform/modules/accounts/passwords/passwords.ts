/** Password hashing: Argon2id (RFC 9106) by node:crypto, behind a door so that it never starves playback. */
import { argon2, createHash, timingSafeEqual, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { NotAdmittedError, runBehind, type Door } from '../../../../kit/admission/index.ts'
import { AppError } from '../../../app/errors.ts'

const argon2Async = promisify(argon2)

/** OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 passes, 1 lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const
const NONCE_BYTES = 16

async function derive(
  door: Door,
  password: string,
  nonce: Buffer,
  cost: { memory: number; passes: number; parallelism: number; tagLength: number },
): Promise<Buffer> {
  try {
    return await runBehind(door, async () =>
      Buffer.from(await argon2Async('argon2id', { message: password.normalize('NFKC'), nonce, ...cost })),
    )
  } catch (cause) {
    if (!(cause instanceof NotAdmittedError)) throw cause
    throw new AppError('busy', {
      detail: 'Too many people are signing in at this moment.',
      retryAfterS: cause.retryAfterS,
      facts: { class: `P${cause.class}`, at: cause.at },
      cause,
    })
  }
}

/** Hashes into the PHC string format, `$argon2id$v=19$m=…,t=…,p=…$nonce$tag`. @throws {AppError} busy */
export async function hashPassword(door: Door, password: string): Promise<string> {
  const nonce = randomBytes(NONCE_BYTES)
  const tag = await derive(door, password, nonce, COST)
  const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${b64(nonce)}$${b64(tag)}`
}

/** A hash of no password, at the cost of all others: what is checked where there is no account. */
export function decoyHash({ secrets }: { readonly secrets: { readonly session: string } }): string {
  const tag = createHash('sha256').update(`decoy ${secrets.session}`).digest('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${tag.slice(0, 22)}$${tag}`
}

/** Compares in constant time. False also for a hash of a form that we don't make. @throws {AppError} busy */
export async function verifyPassword(
  door: Door,
  input: { hash: string; password: string },
): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(input.hash)
  if (!match) return false
  const [, memory, passes, parallelism, nonce, tag] = match
  const expected = Buffer.from(tag!, 'base64')
  const actual = await derive(door, input.password, Buffer.from(nonce!, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  })
  return timingSafeEqual(actual, expected)
}
