/** No page of another site writes in the name of whoever looks at it (cross-site request forgery). */
import { expect, test } from 'vitest'
import { createWorld } from '../../tests/support/world.ts'
import { collectWriteRoutes, FOREIGN_WRITES, OWN_WRITE, type Sent } from '../../tests/support/write-routes.ts'
import { createApi } from './api.ts'
import { createIngest } from './ingest.ts'

test('what a foreign page sends with its visitor’s cookies is refused at every route, before anything is done', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const { headers: cookies } = await world.account()
  const roles = {
    'api that takes bytes': () => createApi(ctx),
    api: () => createApi({ ...ctx, config: { ...ctx.config, ingestAddress: 'http://127.0.0.1:9' } }),
    ingest: () => createIngest(ctx),
  }
  for (const [role, make] of Object.entries(roles)) {
    using routes = collectWriteRoutes()
    const app = await make()
    await using _closing = { [Symbol.asyncDispose]: () => app.close() }
    expect(routes.found.length, role).toBeGreaterThan(3)
    for (const { method, path, url } of routes.found) {
      const name = `${role}: ${method} ${path}`
      const send = ({ headers, payload }: Sent) =>
        app.inject({ method: method as 'POST', url, headers: { ...cookies, ...headers }, payload })
      // The route is there: a page of our own gets as far as to its body.
      await send(OWN_WRITE)
      expect(routes.takeReached(), name).toHaveLength(1)
      for (const foreign of FOREIGN_WRITES) {
        const answer = await send(foreign)
        expect([answer.statusCode, answer.json().code, foreign], name).toEqual([
          403,
          'foreign-origin',
          foreign,
        ])
      }
      expect(routes.takeReached(), name).toEqual([])
    }
  }
})
