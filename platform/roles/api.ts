/** The api role: everything over HTTP that is not an upload's bytes. */
import type { Ctx } from '../app/context.ts'
import type { App, Routes } from '../app/http.ts'
import { accountRoutes } from '../modules/accounts/index.ts'
import { mountApi } from './mount.ts'

const routes: readonly Routes[] = [accountRoutes]

/** Makes the api role's app, ready to be given connections. */
export async function createApi(ctx: Ctx): Promise<App> {
  const app = await mountApi(ctx, routes)
  app.get('/healthz', async () => ({ status: 'alive' }))
  await app.ready()
  return app
}
