import { expect, test } from 'vitest'
import { FEATURES } from '../../contract/state.ts'
import * as steward from '../../engines/steward/index.ts'
import { createWorld } from '../../tests/support/world.ts'
import { createApi } from './api.ts'
import { CLASSES } from './classes.ts'
import { FEATURES_OF_ROUTES } from './features.ts'

test('a feature is given to nothing that is not there', () => {
  expect(Object.keys(FEATURES_OF_ROUTES).filter((route) => !(route in CLASSES))).toEqual([])
})

test('the engine and the contract know the same features', () => {
  expect([...steward.FEATURES]).toEqual(FEATURES)
})

async function openWorld(orders: Parameters<typeof pause>[1]) {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const app = await createApi(world.ctx)
  stack.defer(() => app.close())
  pause(world, orders)
  const owned = stack.move()
  return { world, app, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function pause(
  world: Awaited<ReturnType<typeof createWorld>>,
  { level = null, features = [] }: { level?: steward.Level | null; features?: steward.Feature[] },
): void {
  const untilAt = new Date(Date.now() + 60_000)
  world.ctx.steward.order({
    level: level === null ? null : { level, reason: 'a drill', untilAt },
    features: Object.fromEntries(features.map((feature) => [feature, { reason: 'a drill', untilAt }])),
    maintenance: null,
  })
}

test('everything is on at first, and each answer says so', async () => {
  await using open = await openWorld({})
  const state = await open.app.inject({ url: '/api/v1/state' })
  expect(state.headers['upbeat-level']).toBe('0')
  expect(state.json()).toMatchObject({ level: 0, maintenance: null, features: { search: { mode: 'on' } } })
  expect((await open.app.inject({ url: '/api/v1/search?q=x' })).statusCode).toBe(200)
})

test('a paused feature falls alone, with its reason and a time to come again', async () => {
  await using open = await openWorld({ features: ['search'] })
  const refused = await open.app.inject({ url: '/api/v1/search?q=x' })
  expect(refused.statusCode).toBe(503)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(refused.json()).toMatchObject({
    code: 'feature-paused',
    side: 'us',
    detail: 'Search is paused: the operator of this instance has paused it.',
    facts: { feature: 'search', reason: 'operator' },
  })
  const state = (await open.app.inject({ url: '/api/v1/state' })).json()
  expect(state.features.search).toMatchObject({ mode: 'paused', note: 'a drill' })
  expect(state.features.comments.mode).toBe('on')
})

test('at level 4 what can be written down is let in, what can not is refused', async () => {
  await using open = await openWorld({ level: 4 })
  const account = await open.world.account()
  const ask = (method: 'PUT' | 'GET', path: string) =>
    open.app.inject({ method, url: `/api/v1${path}`, headers: account.headers })
  const video = '01890000-0000-7000-8000-000000000000'
  // No such video: it was let in.
  expect((await ask('PUT', `/videos/${video}/like`)).json().code).not.toBe('feature-paused')
  expect((await ask('PUT', `/comments/${video}/like`)).json().code).toBe('feature-paused')
  expect((await ask('GET', '/me')).headers['upbeat-level']).toBe('4')
})
