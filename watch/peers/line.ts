/** The line to the other watch: one question and its answer, each signed by whoever says it. */
import { sendGuarded } from '../../kit/network/guarded-request.ts'
import type { WatchCtx } from '../app/context.ts'
import type { KeyObject } from 'node:crypto'
import { signerOfAnswer, signMessage, type SignedHeaders } from '../http/signature.ts'
import { ANSWER_METHOD, EXCHANGE_PATH, MESSAGE_MAX_BYTES, PeerMessage } from './protocol.ts'

const TIMEOUT_MS = 5_000
const NONCE_BYTES = 18

export interface Line {
  /**
   * Says the message at this address. Answers what comes back.
   *
   * @throws when nobody answers, or somebody whose key is not known here
   */
  ask(url: string, message: PeerMessage, signal?: AbortSignal): Promise<PeerMessage>
  /** An answer to the question with this nonce. */
  seal(message: PeerMessage, nonce: string): { readonly body: Buffer; readonly headers: SignedHeaders }
}

/** @param keys what we sign with, and what others are known by */
export function createLine(
  ctx: WatchCtx,
  keys: { readonly own: KeyObject; readonly others: ReadonlyMap<string, KeyObject> },
): Line {
  const sign = (method: string, path: string, nonce: string, body: Buffer): SignedHeaders =>
    signMessage(
      ctx.config.id,
      { algorithm: 'ed25519', privateKey: keys.own },
      { method, path, body },
      { nowMs: ctx.clock.now().getTime(), nonce },
    )
  return {
    async ask(base, message, signal) {
      const url = new URL(`${base}${EXCHANGE_PATH}`)
      const body = Buffer.from(JSON.stringify(message))
      const nonce = ctx.randomBytes(NONCE_BYTES).toString('base64url')
      const reply = await sendGuarded({
        url: url.href,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sign('POST', url.pathname, nonce, body) },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBodyBytes: MESSAGE_MAX_BYTES,
        // Who runs the watch said where the other one is.
        allowPrivate: true,
        ...(signal && { signal }),
      })
      if (reply.status !== 200) throw new Error(`It answers ${reply.status}${reasonOf(reply.body)}.`)
      const answer = { method: ANSWER_METHOD, path: EXCHANGE_PATH, nonce, body: reply.body }
      const signer = signerOfAnswer(reply.headers, answer, keys.others)
      if (signer === null)
        throw new Error('What answers in its place has none of the keys that are known here.')
      const heard = PeerMessage.parse(JSON.parse(reply.body.toString('utf8')))
      if (heard.watch.id !== signer) throw new Error(`It is ${signer} and speaks for ${heard.watch.id}.`)
      return heard
    },
    seal(message, nonce) {
      const body = Buffer.from(JSON.stringify(message))
      return { body, headers: sign(ANSWER_METHOD, EXCHANGE_PATH, nonce, body) }
    },
  }
}

/** The code of a problem, which stays the same from one time to the next; nothing where something else answers. */
function reasonOf(body: Buffer): string {
  const code = /"code":"([a-z-]{1,60})"/.exec(body.toString('utf8'))?.[1]
  return code ? ` (${code})` : ''
}
