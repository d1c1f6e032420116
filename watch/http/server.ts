/** Puts the parts' routes together and listens. */
import type { AddressInfo } from 'node:net'
import type { WatchCtx } from '../app/context.ts'
import { watchProblemKinds } from '../app/errors.ts'
import { registerDescription } from '../ecosystem/openapi/index.ts'
import { registerReports, type Reports } from '../signals/reports/index.ts'
import { createWatchApp, type WatchApp, type WatchRoutes } from './http.ts'

export interface WatchServer extends AsyncDisposable {
  readonly app: WatchApp
  readonly port: number
}

export interface ServerParts {
  readonly reports: Reports
  /** Pages, feeds and what else stands on `ctx` alone. */
  readonly routes: readonly WatchRoutes[]
}

/** The port can't be had. */
export class WatchPortError extends Error {}

/** All routes, not listening: for tests, too. */
export async function assembleWatchApp(ctx: WatchCtx, parts: ServerParts): Promise<WatchApp> {
  const app = createWatchApp(ctx)
  await registerDescription(app, ctx)
  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return { ok: true, services: ctx.catalog.services().length, faults: ctx.catalog.faults().length }
  })
  app.get('/api/v1/problems', async () =>
    Object.entries(watchProblemKinds).map(([code, kind]) => ({ code, ...kind })),
  )
  registerReports(app, parts.reports)
  for (const register of parts.routes) await register(app, ctx)
  return app
}

/**
 * Listens on the configured port.
 *
 * @throws {WatchPortError}
 */
export async function startWatchServer(ctx: WatchCtx, parts: ServerParts): Promise<WatchServer> {
  const app = await assembleWatchApp(ctx, parts)
  const { host, port } = ctx.config
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new WatchPortError(
      code === 'EADDRINUSE'
        ? `Port ${port} is taken. Stop what listens there, or give the watch another one: --port PORT (./up: --watch-port PORT)`
        : `The watch can not listen on ${host}:${port}: ${message}`,
      { cause: error },
    )
  }
  return {
    app,
    port: (app.server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => app.close(),
  }
}
