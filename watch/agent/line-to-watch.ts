/** How an agent speaks to its watch: every message is signed, and the watch never calls back. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { sendGuarded } from '../../kit/network/guarded-request.ts'
import { signMessage, type SigningKey } from '../http/signature.ts'

export interface WatchAddress {
  readonly watchUrl: string
  readonly keyId: string
  readonly key: SigningKey
  readonly clock: Clock
}

/** Says something at a path; answers the text that comes back. Throws when it is not taken. */
export type Say = (path: string, body: unknown) => Promise<string>

const TIMEOUT_MS = 10_000
const ANSWER_MAX_BYTES = 32 * 1024 * 1024
const NONCE_BYTES = 18

export const createLine =
  ({ watchUrl, keyId, key, clock }: WatchAddress): Say =>
  async (path, body) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const url = new URL(path, watchUrl)
    const signed = signMessage(
      keyId,
      key,
      { method: 'POST', path: url.pathname, body: bytes },
      { nowMs: clock.now().getTime(), nonce: randomBytes(NONCE_BYTES).toString('base64url') },
    )
    const answer = await sendGuarded({
      url: url.href,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body: bytes,
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: ANSWER_MAX_BYTES,
      // Whoever starts the agent says where its watch is.
      allowPrivate: true,
    })
    const text = answer.body.toString('utf8')
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`The watch answers ${answer.status}: ${text.slice(0, 300)}`)
    return text
  }
