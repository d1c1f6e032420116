/** The ingest role: uploads' bytes, and the encoder that meets them. */
import type { Ctx } from '../app/context.ts'
import type { App, Routes } from '../app/http.ts'
import { bodyProbeRoutes } from '../modules/operations/index.ts'
import { startFirstPlayableLane } from '../modules/transcoding/index.ts'
import { uploadRoutes } from '../modules/uploads/index.ts'
import { mountApi } from './mount.ts'

const routes: readonly Routes[] = [bodyProbeRoutes, uploadRoutes]

/** Makes the ingest role's app, ready to be given connections. */
export async function createIngest(ctx: Ctx): Promise<App> {
  const app = await mountApi(ctx, routes, { isBehindLoopback: true })
  app.get('/healthz', async () => ({ status: 'alive' }))
  const lane = await startFirstPlayableLane(ctx)
  app.addHook('onClose', () => lane[Symbol.asyncDispose]())
  await app.ready()
  return app
}
