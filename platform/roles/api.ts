/** The api role: everything over HTTP that is not an upload's bytes. */
import httpProxy from '@fastify/http-proxy'
import type { Ctx } from '../app/context.ts'
import { toProblemBody } from '../../kit/http/problem-details.ts'
import { AppError } from '../app/errors.ts'
import type { App, Routes } from '../app/http.ts'
import { startReplay, type AnyAct } from '../app/journal/index.ts'
import { accountRoutes } from '../modules/accounts/index.ts'
import { backupRoutes } from '../modules/backups/index.ts'
import { commentActs, commentRoutes } from '../modules/comments/index.ts'
import { registerMedia } from '../modules/delivery/index.ts'
import { edgeRoutes, followEdges } from '../modules/edges/index.ts'
import { feedRoutes } from '../modules/feed/index.ts'
import { followActs, followRoutes } from '../modules/follows/index.ts'
import { instanceRoutes, stateRoutes } from '../modules/instance/index.ts'
import { notificationRoutes } from '../modules/notifications/index.ts'
import { bodyProbeRoutes, ordersRoutes, registerMetrics } from '../modules/operations/index.ts'
import { proofRoutes } from '../modules/proofs/index.ts'
import { profileRoutes } from '../modules/profiles/index.ts'
import { reactionActs, reactionRoutes } from '../modules/reactions/index.ts'
import { regionRoutes } from '../modules/regions/index.ts'
import { searchRoutes } from '../modules/search/index.ts'
import { registerShell } from '../modules/shell/index.ts'
import { createUpdateRoutes } from '../modules/updates/index.ts'
import { startFirstPlayableLane } from '../modules/transcoding/index.ts'
import { loadReceipt, uploadRoutes } from '../modules/uploads/index.ts'
import { videoRoutes } from '../modules/videos/index.ts'
import { API_PREFIX } from './api-prefix.ts'
import { PASSED_ON_RULE } from './classes.ts'
import { mountApi } from './mount.ts'

const routes: readonly Routes[] = [
  accountRoutes,
  backupRoutes,
  commentRoutes,
  edgeRoutes,
  feedRoutes,
  followRoutes,
  instanceRoutes,
  notificationRoutes,
  ordersRoutes,
  profileRoutes,
  proofRoutes,
  reactionRoutes,
  regionRoutes,
  searchRoutes,
  stateRoutes,
  createUpdateRoutes({ loadReceipt }),
  videoRoutes,
]

/** What is kept while the database is away. */
const acts: readonly AnyAct[] = [...reactionActs, ...followActs, ...commentActs]

/** Makes the api role's app, ready to be given connections. */
export async function createApi(ctx: Ctx): Promise<App> {
  // Without an ingest role of its own, this process takes the bytes, and makes them playable.
  const isIngest = !ctx.config.ingestAddress
  const app = isIngest
    ? await mountApi(ctx, [...routes, bodyProbeRoutes, uploadRoutes], { isPublic: true })
    : await mountApi(ctx, routes, { passedOn: 'uploads', isPublic: true })
  app.addHook('onResponse', async (request, reply) => ctx.vitals.noteGolden(request, reply))
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'alive' }))
  if (ctx.config.ingestAddress) await passUploadsOn(app, ctx, ctx.config.ingestAddress)
  registerMetrics(app, ctx)
  registerMedia(app, ctx)
  await registerShell(app, ctx)
  if (isIngest) {
    const lane = await startFirstPlayableLane(ctx)
    app.addHook('onClose', () => lane[Symbol.asyncDispose]())
  }
  const edges = followEdges(ctx)
  app.addHook('onClose', () => edges[Symbol.asyncDispose]())
  const replay = startReplay(ctx, acts)
  app.addHook('onClose', () => replay[Symbol.asyncDispose]())
  await app.ready()
  return app
}

/** An ingest role that is replaced in order finishes what it has begun, and starts. */
const HAND_OVER_MAX_MS = 30_000

/**
 * Uploads meet the encoder in the ingest role; their addresses stay ours. Costs one local hop and no buffering. An
 * ingest role that is just restarting is an answer with a retry time.
 */
async function passUploadsOn(app: App, ctx: Ctx, ingestAddress: string): Promise<void> {
  const prefix = `${API_PREFIX}/uploads`
  await app.register(httpProxy, {
    // Bodies pass through: the ingest role gives up on those that stall.
    config: { hasOwnStallRule: true, admission: PASSED_ON_RULE },
    upstream: ingestAddress,
    prefix,
    rewritePrefix: prefix,
    disableRequestLogging: true,
    // While a new process takes over from the old one, whoever comes waits for it.
    preHandler: () => ctx.peers.whenSettled('ingest', HAND_OVER_MAX_MS),
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        'x-forwarded-for': request.ip,
        'x-forwarded-proto': request.protocol,
        'x-forwarded-host': request.host,
      }),
      onError(reply) {
        const problem = toProblemBody(
          new AppError('ingest-unavailable', { retryAfterS: 2 }),
          reply.request.id,
        )
        void reply
          .code(problem.status)
          .header('retry-after', 2)
          .type('application/problem+json')
          .send(JSON.stringify(problem))
      },
    },
    http: { requestOptions: { timeout: 0 } },
  })
}
