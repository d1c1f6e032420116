/** The ingest role: uploads' bytes, and the encoder that meets them. */
import type { Ctx } from '../app/context.ts'
import type { App, Routes } from '../app/http.ts'
import { startFirstPlayableLane } from '../modules/transcoding/index.ts'
import { mountApi } from './mount.ts'

const routes: readonly Routes[] = []

/** Makes the ingest role's app, ready to be given connections. */
export async function createIngest(ctx: Ctx): Promise<App> {
  const app = await mountApi(ctx, routes)
  app.get('/healthz', async () => ({ status: 'alive' }))
  const lane = await startFirstPlayableLane(ctx)
  app.addHook('onClose', () => lane[Symbol.asyncDispose]())
  await app.ready()
  return app
}
