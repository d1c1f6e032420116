/** HTTP by which the other watch speaks to this one. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { createRateBucket } from '../../kit/bounded/rate-bucket.ts'
import { WatchError } from '../app/errors.ts'
import type { WatchRoutes } from '../http/http.ts'
import { parsePushed } from '../http/push.routes.ts'
import { parseSignedBody, signedBodyOf, verifyPeer } from '../http/signature.ts'
import { isRace } from '../store/index.ts'
import type { Peers } from './exchange.ts'
import { EXCHANGE_PATH, PeerMessage } from './protocol.ts'

/** Five rounds of a watch that has much to tell, one after the other; ten messages a second from then on. */
export const MESSAGES_BURST = 100
const MESSAGES_REFILL_MS = 10_000

/** Mounted where another watch is known by its key. */
export const peerRoutes =
  (peers: Peers): WatchRoutes =>
  async (app, ctx) => {
    const messages = createRateBucket({
      burst: MESSAGES_BURST,
      refillMs: MESSAGES_REFILL_MS,
      clock: ctx.clock,
    })
    await inScope(app, (scope) => {
      scope.removeContentTypeParser('application/json')
      scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseSignedBody as never)
      // Spoken between watches only: no program has a use for it.
      scope.post(EXCHANGE_PATH, { schema: { hide: true } }, async (request, reply) => {
        const { bytes, json } = signedBodyOf(request)
        const { id, nonce, takeOnce } = verifyPeer(ctx, request, { body: bytes, keys: peers.keys })
        const waitMs = messages.take(id)
        if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
        const message = parsePushed(PeerMessage, json)
        if (message.watch.id !== id)
          throw new WatchError('signature-wrong', { detail: `${id} speaks for ${message.watch.id}.` })
        const { body, headers } = await answerOnce(peers, message, { nonce, once: [takeOnce] })
        return reply
          .headers({ ...headers })
          .type('application/json; charset=utf-8')
          .send(body)
      })
    })
  }

/** @throws {WatchError} message-replayed */
async function answerOnce(...[peers, message, how]: [Peers, ...Parameters<Peers['answer']>]) {
  try {
    return await peers.answer(message, how)
  } catch (error) {
    if (isRace(error)) throw new WatchError('message-replayed', { cause: error })
    throw error
  }
}
