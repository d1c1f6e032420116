/** No page of another site writes in the name of an operator who looks at it (cross-site request forgery). */
import { expect, test } from 'vitest'
import { collectWriteRoutes, FOREIGN_WRITES, OWN_WRITE, type Sent } from '../../tests/support/write-routes.ts'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { openWholeWatch } from './whole-watch.fixtures.ts'

test('what a foreign page sends with an operator’s cookies is refused at every route, before anything is done', async () => {
  using routes = collectWriteRoutes()
  await using world = await createWatchWorld()
  await using app = await openWholeWatch(world)
  expect(routes.found.length).toBeGreaterThan(30)
  for (const { method, path, url } of routes.found) {
    const name = `${method} ${path}`
    const send = ({ headers, payload }: Sent) =>
      app.inject({ method: method as 'POST', url, headers: { cookie: 'a=b', ...headers }, payload })
    // The route is there: a page of our own gets as far as to its body.
    await send(OWN_WRITE)
    expect(routes.takeReached(), name).toHaveLength(1)
    for (const foreign of FOREIGN_WRITES) {
      const answer = await send(foreign)
      expect([answer.statusCode, answer.json().code, foreign], name).toEqual([403, 'foreign-origin', foreign])
    }
    expect(routes.takeReached(), name).toEqual([])
  }
})
