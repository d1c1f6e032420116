/** What api and ingest share: sessions on every request, routes under /api/v1, and a listener to be closed. */
import type { Ctx } from '../app/context.ts'
import { createApp, type App, type Routes } from '../app/http.ts'
import { registerSessions } from '../modules/accounts/index.ts'

export const API_PREFIX = '/api/v1'

/** Makes an app with sessions and with these modules' routes under /api/v1. */
export async function mountApi(ctx: Ctx, routes: readonly Routes[]): Promise<App> {
  const app = createApp(ctx)
  registerSessions(app, ctx)
  await app.register(
    async (scope) => {
      for (const register of routes) await register(scope as unknown as App, ctx)
    },
    { prefix: API_PREFIX },
  )
  return app
}
