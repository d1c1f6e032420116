import { expect, test } from 'vitest'
import { CLIENT_GENERATION, CLIENT_HEADER } from '../../contract/client.ts'
import { openApi } from '../../tests/support/api.ts'
import { createWorld } from '../../tests/support/world.ts'
import { instanceRoutes, stateRoutes } from '../modules/instance/index.ts'
import { reactionRoutes } from '../modules/reactions/index.ts'
import { searchRoutes } from '../modules/search/index.ts'
import { clientOf } from './client-gate.ts'
import { loadConfig } from './config.ts'

test('a web app is known by its header, or by its browser; a program by neither', () => {
  expect(clientOf({ [CLIENT_HEADER]: 'web/3 a1b2c3' })).toEqual({ generation: 3, build: 'a1b2c3' })
  expect(clientOf({ 'sec-fetch-site': 'same-origin' })).toEqual({ generation: 0, build: null })
  expect(clientOf({ [CLIENT_HEADER]: 'nonsense' })).toBeNull()
  expect(clientOf({})).toBeNull()
})

test('the generation before is served unless the operator says otherwise; none can be asked for that is not there yet', () => {
  expect(loadConfig({}).oldestClient).toBe(CLIENT_GENERATION - 1)
  expect(loadConfig({ OLDEST_CLIENT: String(CLIENT_GENERATION) }).oldestClient).toBe(CLIENT_GENERATION)
  expect(() => loadConfig({ OLDEST_CLIENT: String(CLIENT_GENERATION + 1) })).toThrow(/OLDEST_CLIENT/)
})

test('a web app that is too old is told to refresh, still learns why, and keeps what it can’t be told to keep', async () => {
  await using world = await createWorld({ env: { OLDEST_CLIENT: String(CLIENT_GENERATION) } })
  await using api = await openApi(world, instanceRoutes, stateRoutes, searchRoutes, reactionRoutes)
  const viewer = await world.account()
  const ask = (path: string, headers: Record<string, string>, method: 'GET' | 'PUT' = 'GET') =>
    api.call(method, path, viewer, { headers })
  const named = (generation: number) => ({ [CLIENT_HEADER]: `web/${generation} abc` })
  const unnamed = { 'sec-fetch-site': 'same-origin' }
  const like = `/videos/${world.ctx.newId()}/like`

  const refused = await ask('/search?q=x', named(CLIENT_GENERATION - 1))
  expect([refused.statusCode, refused.json()]).toEqual([
    412,
    expect.objectContaining({ code: 'client-too-old', isWorkKept: true }),
  ])
  expect((await ask('/search?q=x', unnamed)).json()).toMatchObject({ code: 'client-too-old' })
  expect((await ask(like, named(CLIENT_GENERATION - 1), 'PUT')).json()).toMatchObject({
    code: 'client-too-old',
  })
  expect((await ask(like, unnamed, 'PUT')).json()).toMatchObject({ code: 'not-found' })
  for (const path of ['/instance', '/state']) expect((await ask(path, named(0))).statusCode).toBe(200)
  expect((await ask('/instance', named(0))).json()).toMatchObject({ oldestClient: CLIENT_GENERATION })
  for (const headers of [named(CLIENT_GENERATION), named(CLIENT_GENERATION + 1), {}])
    expect((await ask('/search?q=x', headers)).statusCode).toBe(200)
})
