/** What api and ingest share: sessions on every request, routes under /api/v1, and their description. */
import swagger from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { Ctx } from '../app/context.ts'
import { createApp, type App, type AppOptions, type Routes } from '../app/http.ts'
import { registerSessions } from '../modules/accounts/index.ts'

export const API_PREFIX = '/api/v1'

/** Makes an app with sessions, with these modules' routes under /api/v1, and with /api/openapi.json. */
export async function mountApi(ctx: Ctx, routes: readonly Routes[], options: AppOptions = {}): Promise<App> {
  const app = createApp(ctx, options)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: ctx.config.instanceName, version: '1', license: { name: 'AGPL-3.0-or-later' } },
    },
    transform: jsonSchemaTransform,
  })
  await app.register(
    async (scope) => {
      // Only here: media and the shell must not depend on the database.
      registerSessions(scope as unknown as App, ctx)
      for (const register of routes) await register(scope as unknown as App, ctx)
    },
    { prefix: API_PREFIX },
  )
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  // What a module keeps in memory is true only while it hears of changes.
  await ctx.listener.settled()
  return app
}
