/**
 * The API process that is measured, pinned to one core by its parent. Beside the product's own routes it serves the rival:
 * a constant page of the same size, serialised for each request by the same Fastify.
 */
import pg from 'pg'
import { loadConfig } from '../../platform/app/config.ts'
import { openContext } from '../../platform/app/context.ts'
import { feedRoutes } from '../../platform/modules/feed/index.ts'
import { reactionRoutes } from '../../platform/modules/reactions/index.ts'
import { mountApi } from '../../platform/roles/mount.ts'

export interface ApiStatus {
  readonly queries: Record<string, number>
  readonly residentBytes: number
  readonly cpuMs: number
}

const queries: Record<string, number> = {}
const original = pg.Client.prototype.query as (...args: unknown[]) => unknown
pg.Client.prototype.query = function (this: unknown, ...args: unknown[]) {
  const [query] = args as [string | { name?: string; text?: string }]
  const text = typeof query === 'string' ? query : (query.name ?? query.text ?? '')
  const kind = text.trim().slice(0, 48)
  queries[kind] = (queries[kind] ?? 0) + 1
  return original.apply(this, args)
} as never

const { ctx } = await openContext({ config: loadConfig(), role: 'api' })
const app = await mountApi(ctx, [feedRoutes, reactionRoutes])
let constantPage: unknown = null
app.get('/constant', async () => constantPage)
await app.listen({ host: '127.0.0.1', port: 0 })

process.on('message', (message: { type: 'status' } | { type: 'constant'; page: unknown }) => {
  if (message.type === 'constant') constantPage = message.page
  const { user, system } = process.cpuUsage()
  const status: ApiStatus = {
    queries: { ...queries },
    residentBytes: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
  }
  process.send!({ type: 'status', status })
})
process.once('disconnect', () => process.exit(0))
const { port } = app.server.address() as { port: number }
process.send!({ type: 'ready', port, sessionSecret: ctx.secrets.session })
