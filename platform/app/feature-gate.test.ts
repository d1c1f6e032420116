import { PassThrough } from 'node:stream'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { FEATURES, STEPS } from '../../engines/steward/index.ts'
import type { FeatureState, ServiceState } from '../../contract/state.ts'
import { createFakeClock } from '../../kit/clock.ts'
import { openFeatureGate, type FeatureRule } from './feature-gate.ts'
import type { App } from './http.ts'
import { createTraffic } from './steward/traffic.ts'

const SLOW_MS = 60_000

function openGate({
  rule = { feature: 'comments' },
  share = 1,
}: { rule?: FeatureRule; share?: number } = {}) {
  const clock = createFakeClock()
  const traffic = createTraffic(FEATURES, STEPS)
  const since = clock.now().toISOString()
  const view: FeatureState = { mode: 'on', since, reason: null, share: 1, note: null, until: null }
  const held: FeatureState = { ...view, mode: 'paused', reason: 'recovering', share }
  const features = Object.fromEntries(FEATURES.map((name) => [name, share < 1 ? held : view]))
  const state = { level: 0, since, features, maintenance: null } as ServiceState
  const app = Fastify()
  openFeatureGate(
    app as unknown as App,
    { clock, randomBytes, steward: { state, ...traffic } },
    () => rule,
    (request) => request.ip,
  )
  const seen = () => traffic.read(clock.monotonicMs())['comments-and-search']!.window
  return { app, clock, seen }
}

test('whoever sends slowly is not taken for us being slow', async () => {
  const { app, clock, seen } = openGate()
  const arrived = Promise.withResolvers<void>()
  app.addHook('preParsing', async () => arrived.resolve())
  app.post('/', async (request) => request.body)
  const payload = new PassThrough()
  const headers = { 'content-type': 'application/json' }
  const answered = app.inject({ method: 'POST', url: '/', headers, payload })
  payload.write('{"a"')
  await arrived.promise
  clock.advance(SLOW_MS)
  payload.end(':1}')
  expect((await answered).json()).toEqual({ a: 1 })
  expect(seen()).toEqual({ count: 1, okCount: 1, p99Ms: 1 })
})

test('whoever reads slowly is not taken for us being slow', async () => {
  const { app, clock, seen } = openGate()
  const body = new PassThrough()
  app.get('/', async (_request, reply) => reply.send(body))
  body.write('a')
  const answered = app.inject({ url: '/', payloadAsStream: true })
  const stream = (await answered).stream()
  await once(stream, 'readable')
  clock.advance(SLOW_MS)
  body.end()
  stream.resume()
  await once(stream, 'end')
  expect(seen()).toEqual({ count: 1, okCount: 1, p99Ms: 1 })
})

test('whose bytes are worked on as they come says nothing of how quick we are', async () => {
  const { app, clock, seen } = openGate({ rule: { feature: 'comments', isClientPaced: true } })
  app.patch('/', async () => {
    clock.advance(SLOW_MS)
    return {}
  })
  await app.inject({ method: 'PATCH', url: '/' })
  expect(seen()).toEqual({ count: 1, okCount: 1, p99Ms: 1 })
})

test('what takes us long counts, and so does what we fail in', async () => {
  const { app, clock, seen } = openGate()
  app.get('/', async () => {
    clock.advance(2_000)
    throw new Error('a failure of ours')
  })
  await app.inject({ url: '/' })
  expect(seen()).toEqual({ count: 1, okCount: 0, p99Ms: 2_048 })
})

test('a made-up cookie lets nobody come first', async () => {
  const { app } = openGate({ share: 0.5 })
  app.get('/', async () => ({}))
  const ask = async (name: string) =>
    (await app.inject({ url: '/', headers: { cookie: `upbeat.session_token=${name}` } })).statusCode
  const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => ask(`made-up-${index}`)))
  expect(new Set(answers).size).toBe(1)
})
