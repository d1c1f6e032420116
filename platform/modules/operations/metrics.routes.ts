/** `/metrics` for Prometheus, for those who have the token. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import type { App } from '../../app/http.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Mounts it where the configuration names a token; else there is no such address. */
export function registerMetrics(app: App, { config, supervisor }: Ctx): void {
  const { metricsToken } = config
  if (metricsToken === null) return
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined || !isSame(given, metricsToken)) {
      reply.header('www-authenticate', 'Bearer')
      throw new AppError('not-allowed', { detail: 'Send METRICS_TOKEN as a bearer token.' })
    }
    if (!supervisor)
      throw new AppError('no-supervisor', { detail: 'This process runs on its own, without one.' })
    const text = await supervisor.metrics().catch((error: unknown) => {
      throw new AppError('no-supervisor', { detail: (error as Error).message, cause: error })
    })
    reply.type(CONTENT_TYPE).header('cache-control', 'no-store')
    return reply.send(text)
  })
}

/** Takes the same time wherever they differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
