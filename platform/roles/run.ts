/** Runs one role in this process: under the supervisor, which hands it connections, or on its own. */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type Config } from '../app/config.ts'
import { openContext, type Ctx } from '../app/context.ts'
import type { App } from '../app/http.ts'
import { openSenses } from '../app/senses.ts'
import { issueOperatorLink } from '../modules/accounts/index.ts'
import { tellOperatorLink } from './operator-link.ts'
import { reportOf, toOrders } from './report.ts'
import { createSupervisorChannel } from './supervisor-channel.ts'
import { DRAIN_TIMEOUT_MS, type FromRole, type FromSupervisor, type RoleName } from '../supervisor/index.ts'

/** Before the supervisor loses patience. */
const REQUESTS_TIMEOUT_MS = DRAIN_TIMEOUT_MS - 4_000
const POLL_INTERVAL_MS = 25
const VITALS_INTERVAL_MS = 1_000
/** How long those who keep a connection open may take to send another request on it, when nothing presses. */
const IDLE_GRACE_MS = 4_000

/** Starts the role and returns when it takes work; it then lives until a signal, or until its supervisor is gone. */
export async function runRole(role: RoleName): Promise<void> {
  const config = loadConfig()
  const isSupervised = process.send !== undefined
  const send = (message: FromRole): boolean => {
    if (process.connected) process.send!(message, () => {})
    return process.connected
  }
  const channel = createSupervisorChannel(send)
  const early = keepEarlyWords()
  const ending = prepareEnd(send)
  process.once('SIGTERM', () => ending.begin('SIGTERM')).once('SIGINT', () => ending.begin('SIGINT'))
  if (isSupervised) {
    process.once('disconnect', () => ending.begin('the supervisor is gone'))
    process.on('message', (message: FromSupervisor) => {
      if (message.type === 'ping') send({ type: 'pong' })
      else if (message.type === 'retire') ending.begin('another process has taken over', true)
      else if (!channel.hear(message)) early.hear(message)
    })
  }

  await using stack = new AsyncDisposableStack()
  // An api without an ingest role beside it works that one's lane too.
  const isWorker = role !== 'api' || config.ingestAddress === null
  const { ctx } = stack.use(
    await openContext({
      ...{ config, role, isWorker },
      isKeeping: role === 'api',
      supervisor: isSupervised ? channel.link : null,
    }),
  )
  stack.use(openSenses(ctx))
  early.passOn((message) => obey(ctx, role, message))
  const app = await createRole(role, ctx, stack)
  const requests = app && trackRequests(app.server)
  if (app) {
    ctx.vitals.watchServer(app.server)
    stack.defer(() => app.close())
    await app.listen(addressOf(role, config, isSupervised))
  }
  const parts = stack.move()
  const isGoingOn = ending.become(async (isPatient) => {
    if (!config.protectionsOff.has('drain'))
      await requests?.drain(REQUESTS_TIMEOUT_MS, isPatient ? IDLE_GRACE_MS : 0)
    await parts.disposeAsync()
    process.exit(0)
  })
  if (!isGoingOn) return
  takeWork(ctx, app, send)
  parts.defer(tellCompleteness(ctx, send))
  send({ type: 'ready' })
  if (isSupervised) parts.defer(tellVitals(ctx, send))
  ctx.log.info('ready')
}

/** How this process ends when it is told to, which may be before it has begun. */
function prepareEnd(send: (message: FromRole) => boolean) {
  let isEnding = false
  let end: (isPatient: boolean) => Promise<void> = async () => process.exit(0)
  return {
    begin(reason: string, isPatient = false): void {
      if (isEnding) return
      isEnding = true
      send({ type: 'draining' })
      // Whatever hangs, a process that was told to end ends.
      setTimeout(() => process.exit(1), DRAIN_TIMEOUT_MS).unref()
      end(isPatient).catch((error: unknown) => {
        console.error(reason, error)
        process.exit(1)
      })
    },
    /** From here on there is more to end. @returns false when it was told to end before: then it does so now */
    become(orderly: typeof end): boolean {
      end = orderly
      if (isEnding) void end(false)
      return !isEnding
    },
  }
}

/** The connections that the supervisor hands over, and what else it asks for. */
function takeWork(ctx: Ctx, app: App | null, send: (message: FromRole) => boolean): void {
  process.on('message', (message: FromSupervisor, connection?: Socket) => {
    if (message.type === 'connection' && connection && app) {
      send({ type: 'taken', id: message.id })
      ctx.vitals.noteConnectionWait(message.waitedMs)
      app.server.emit('connection', connection)
    }
    if (message.type === 'issue-operator-link')
      void tellOperatorLink(ctx.log, () => issueOperatorLink(ctx), send)
  })
}

/** What the supervisor said before there was a context to do it in. */
function keepEarlyWords() {
  const kept: FromSupervisor[] = []
  let pass: ((message: FromSupervisor) => void) | null = null
  return {
    hear(message: FromSupervisor): void {
      if (pass) pass(message)
      else kept.push(message)
    },
    passOn(to: (message: FromSupervisor) => void): void {
      pass = to
      for (const message of kept.splice(0)) to(message)
    },
  }
}

function obey(ctx: Ctx, role: RoleName, message: FromSupervisor): void {
  if (message.type === 'peers') {
    ctx.peers.set(message.areUp)
    // Who is the api feels its own load.
    if (role !== 'api') ctx.steward.followPressure(message.apiPressure)
  } else if (message.type === 'orders') {
    ctx.steward.order(toOrders(message.orders))
    ctx.blocks.set(message.orders.blocks)
    ctx.bars.set(message.orders.shapes ?? [])
  } else if (message.type === 'lift') ctx.blocks.lift(message.key)
  else if (message.type === 'documents')
    void ctx.documents
      .reload()
      .catch((error: unknown) => ctx.log.error({ err: error }, 'document.reload-failed'))
}

/** Tells the supervisor how this process fares, once a second; answers what ends it. */
function tellVitals(ctx: Ctx, send: (message: FromRole) => boolean): () => void {
  const tell = () => void send({ type: 'vitals', report: reportOf(ctx) })
  const timer = setInterval(tell, VITALS_INTERVAL_MS)
  tell()
  return () => clearInterval(timer)
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

/** @returns what ends it. */
function tellCompleteness(ctx: Ctx, send: (message: FromRole) => void): () => void {
  let told: boolean | null = null
  const tell = () => {
    const reasons = Object.values(ctx.steward.state.features).map(({ reason }) => reason)
    const isComplete =
      ctx.databaseGuard.isUp && !reasons.includes('database') && !reasons.includes('recovering')
    if (isComplete !== told) send({ type: 'complete', isComplete })
    told = isComplete
  }
  const stops = [ctx.databaseGuard.onChange(tell), ctx.steward.onChange(tell)]
  tell()
  return () => stops.forEach((stop) => stop())
}

/** Knows the requests under way, so that a role can end without cutting one off. */
function trackRequests(server: Server) {
  const underWay = new Set<ServerResponse>()
  // The server itself counts only those that it accepted, not those that were handed to it.
  const connections = new Set<Socket>()
  server.prependListener('connection', (connection: Socket) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  let isDraining = false
  server.prependListener('request', (_request, response) => {
    underWay.add(response)
    response.once('close', () => underWay.delete(response))
    if (isDraining) response.setHeader('connection', 'close')
  })
  return {
    /** Lets what was begun finish; event streams, which never would, are ended: their clients come back by themselves. */
    async drain(timeoutMs: number, idleGraceMs: number): Promise<void> {
      isDraining = true
      for (const response of underWay) {
        if (String(response.getHeader('content-type')).startsWith('text/event-stream')) response.end()
        else if (!response.headersSent) response.setHeader('connection', 'close')
      }
      // Whoever uses a connection learns with the next answer that it is the last one on it. Closing one that is idle can
      // cross with a request that is just being sent on it.
      const startedMs = performance.now()
      const passedMs = () => performance.now() - startedMs
      while (passedMs() < timeoutMs && (underWay.size > 0 || passedMs() < idleGraceMs)) {
        if (passedMs() >= idleGraceMs) server.closeIdleConnections()
        else if (connections.size === 0) break
        await sleep(POLL_INTERVAL_MS)
      }
      server.closeAllConnections()
    },
  }
}
