/** Runs one role in this process: under the supervisor, which hands it connections, or on its own. */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type Config } from '../app/config.ts'
import { openContext, type Ctx } from '../app/context.ts'
import type { App } from '../app/http.ts'
import { openSenses } from '../app/senses.ts'
import { issueOperatorLink } from '../modules/accounts/index.ts'
import { DRAIN_TIMEOUT_MS, type FromRole, type FromSupervisor, type RoleName } from '../supervisor/index.ts'

/** Before the supervisor loses patience. */
const REQUESTS_TIMEOUT_MS = DRAIN_TIMEOUT_MS - 4_000
const POLL_INTERVAL_MS = 25

/** Starts the role and returns when it takes work; it then lives until a signal, or until its supervisor is gone. */
export async function runRole(role: RoleName): Promise<void> {
  const config = loadConfig()
  const isSupervised = process.send !== undefined
  const answer = (message: FromRole) => void (process.connected && process.send!(message, () => {}))
  await using stack = new AsyncDisposableStack()
  let isEnding = false
  let end = async () => process.exit(0)

  const beginEnd = (reason: string) => {
    if (isEnding) return
    isEnding = true
    answer({ type: 'draining' })
    // Whatever hangs, a process that was told to end ends.
    setTimeout(() => process.exit(1), DRAIN_TIMEOUT_MS).unref()
    end().catch((error: unknown) => {
      console.error(reason, error)
      process.exit(1)
    })
  }
  process.once('SIGTERM', () => beginEnd('SIGTERM')).once('SIGINT', () => beginEnd('SIGINT'))
  if (isSupervised) {
    process.once('disconnect', () => beginEnd('the supervisor is gone'))
    process.on('message', (message: FromSupervisor) => message.type === 'ping' && answer({ type: 'pong' }))
  }

  // An api without an ingest role beside it works that one's lane too.
  const isWorker = role !== 'api' || config.ingestAddress === null
  const { ctx } = stack.use(await openContext({ config, role, isWorker, isKeeping: role === 'api' }))
  stack.use(openSenses(ctx))
  const app = await createRole(role, ctx, stack)
  const requests = app && trackRequests(app.server)
  if (app) {
    stack.defer(() => app.close())
    await app.listen(addressOf(role, config, isSupervised))
  }
  const parts = stack.move()
  end = async () => {
    await requests?.drain(REQUESTS_TIMEOUT_MS)
    await parts.disposeAsync()
    process.exit(0)
  }
  if (isEnding) return void end()
  process.on('message', (message: FromSupervisor, connection?: Socket) => {
    if (message.type === 'connection' && connection && app) {
      answer({ type: 'taken', id: message.id })
      app.server.emit('connection', connection)
    }
    if (message.type === 'issue-operator-link') void tellOperatorLink(ctx, answer)
  })
  answer({ type: 'ready' })
  ctx.log.info('ready')
}

/** The role's app; null for one that speaks no HTTP. Each process loads its own role's code only. */
async function createRole(role: RoleName, ctx: Ctx, stack: AsyncDisposableStack): Promise<App | null> {
  switch (role) {
    case 'api':
      return (await import('./api.ts')).createApi(ctx)
    case 'ingest':
      return (await import('./ingest.ts')).createIngest(ctx)
    case 'worker':
      stack.use(await (await import('./worker.ts')).startWorker(ctx))
      return null
  }
}

/**
 * On its own, a role listens where the configuration says. Under the supervisor, ingest listens where the api looks for
 * it; the api gets its connections handed and listens on a private port besides.
 */
function addressOf(role: RoleName, config: Config, isSupervised: boolean): { host: string; port: number } {
  if (!isSupervised) return { host: config.host, port: config.port }
  if (role !== 'ingest' || !config.ingestAddress) return { host: '127.0.0.1', port: 0 }
  const { hostname, port } = new URL(config.ingestAddress)
  return { host: hostname, port: Number(port) }
}

async function tellOperatorLink(ctx: Ctx, answer: (message: FromRole) => void): Promise<void> {
  try {
    answer({ type: 'operator-link', path: await issueOperatorLink(ctx) })
  } catch (error) {
    ctx.log.error({ err: error }, 'operator-link.failed')
  }
}

/** Knows the requests under way, so that a role can end without cutting one off. */
function trackRequests(server: Server) {
  const underWay = new Set<ServerResponse>()
  let isDraining = false
  server.prependListener('request', (_request, response) => {
    underWay.add(response)
    response.once('close', () => underWay.delete(response))
    if (isDraining) response.setHeader('connection', 'close')
  })
  return {
    /** Lets what was begun finish; event streams, which never would, are ended: their clients come back by themselves. */
    async drain(timeoutMs: number): Promise<void> {
      isDraining = true
      for (const response of underWay) {
        if (String(response.getHeader('content-type')).startsWith('text/event-stream')) response.end()
        else if (!response.headersSent) response.setHeader('connection', 'close')
      }
      for (let waitedMs = 0; underWay.size > 0 && waitedMs < timeoutMs; waitedMs += POLL_INTERVAL_MS) {
        server.closeIdleConnections()
        await sleep(POLL_INTERVAL_MS)
      }
      server.closeAllConnections()
    },
  }
}
