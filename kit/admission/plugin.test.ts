import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { Ticket } from './core/index.ts'
import { createHintReader, signHint } from './hint.ts'
import { registerAdmissionMetrics } from './metrics.ts'
import { installAdmission, type AdmissionOptions } from './plugin.ts'
import { currentScope } from './scope.ts'

/** An app whose /work is done when the test says so; one piece of it at a time. */
async function createStage(options: AdmissionOptions = {}) {
  const app = Fastify()
  const door = installAdmission(app, { initial: 1, min: 1, isFixed: true, waitMs: 100_000, ...options })
  const begun: { readonly end: () => void; readonly scope: ReturnType<typeof currentScope> }[] = []
  const work = (name: string) =>
    new Promise<object>((resolve) => begun.push({ end: () => resolve({ name }), scope: currentScope() }))
  for (const level of [0, 1, 2, 3] as const)
    app.get(`/p${level}`, { config: { admission: { class: level, isOwnWork: true } } }, () =>
      work(`p${level}`),
    )
  app.post('/post', { config: { admission: { class: 1 } } }, () => work('post'))
  const stage = {
    app,
    door,
    begun,
    /** Waits until so many have begun, and ends the last of them. */
    async endNext(count: number) {
      await expect.poll(() => begun.length).toBe(count)
      begun[count - 1]!.end()
    },
    [Symbol.asyncDispose]: () => app.close(),
  }
  await app.ready()
  return stage
}

const statusOf = async (answer: Promise<{ statusCode: number }>) => (await answer).statusCode

test('the most important of those who wait is let in first', async () => {
  await using stage = await createStage()
  const order: string[] = []
  const ask = (url: string) => stage.app.inject(url).then((answer) => order.push(answer.json().name))
  const first = ask('/p1')
  await expect.poll(() => stage.begun.length).toBe(1)
  const rest = ['/p3', '/p2', '/p1'].map(ask)
  await expect.poll(() => stage.door.gate.waiting).toBe(3)

  for (let count = 1; count <= 4; count++) await stage.endNext(count)
  await Promise.all([first, ...rest])

  expect(order).toEqual(['p1', 'p1', 'p2', 'p3'])
})

test('class 0 never waits for what lower classes have under way', async () => {
  await using stage = await createStage()
  const hung = stage.app.inject('/p1')
  await expect.poll(() => stage.begun.length).toBe(1)

  const answer = stage.app.inject('/p0')
  await stage.endNext(2)

  expect(await statusOf(answer)).toBe(200)
  stage.begun[0]!.end()
  await hung
})

test('who is turned away gets 503 with problem details, the class, and when to come again', async () => {
  await using stage = await createStage({ maxWaiting: 0 })
  const first = stage.app.inject('/p2')
  await expect.poll(() => stage.begun.length).toBe(1)

  const refused = await stage.app.inject('/p2')

  expect(refused.statusCode).toBe(503)
  expect(refused.headers['content-type']).toBe('application/problem+json')
  expect(refused.headers['x-admission-class']).toBe('P2')
  expect(refused.headers['cache-control']).toBe('no-store')
  const waitS = Number(refused.headers['retry-after'])
  expect(waitS).toBeGreaterThanOrEqual(4)
  expect(waitS).toBeLessThanOrEqual(12)
  expect(refused.json()).toMatchObject({ status: 503, class: 'P2', retryAfterS: waitS })
  await stage.endNext(1)
  await first
})

test('a request whose sender will have given up is turned away at once', async () => {
  await using stage = await createStage({ waitMs: 60_000 })
  const first = stage.app.inject('/p2')
  await expect.poll(() => stage.begun.length).toBe(1)

  const answer = stage.app.inject({ url: '/p2', headers: { 'x-deadline-ms': '20' } })

  expect(await statusOf(answer)).toBe(503)
  expect(stage.door.gate.refusedOf(2, 'deadline')).toBe(1)
  await stage.endNext(1)
  await first
})

test('a signed word raises a class, an unsigned one does not, and anybody may lower', async () => {
  const read = createHintReader('secret')
  const inAnHour = Date.now() + 3_600_000
  const good = signHint('secret', { person: 'ada', class: 0 }, inAnHour)
  const bad = signHint('guessed', { person: 'ada', class: 0 }, inAnHour)
  await using stage = await createStage({
    hintOf: (request) => read(String(request.headers['x-hint']), Date.now()),
  })
  const classes: number[] = []
  for (const headers of [{}, { 'x-hint': good }, { 'x-hint': bad }, { 'x-hint': good, priority: 'u=7, i' }]) {
    const answer = stage.app.inject({ url: '/p1', headers })
    await expect.poll(() => stage.begun.length).toBe(classes.length + 1)
    classes.push(stage.begun.at(-1)!.scope!.class)
    stage.begun.at(-1)!.end()
    await answer
  }
  expect(classes).toEqual([1, 0, 1, 3])
})

test('a hint that is too old, or cut, or lengthened, says nothing', () => {
  const read = createHintReader('secret')
  const hint = signHint('secret', { person: 'ada', class: null }, 1_000_000)
  expect(read(hint, 999_999)).toEqual({ person: 'ada', class: null })
  expect(read(hint, 1_000_000)).toBeNull()
  expect(read(hint.slice(0, -1), 0)).toBeNull()
  expect(read(`${hint}x`, 0)).toBeNull()
  expect(read('', 0)).toBeNull()
  expect(read(null, 0)).toBeNull()
})

test('a body that comes slowly holds no place', async () => {
  await using stage = await createStage()
  const port = await listen(stage.app)
  const headers = { 'content-type': 'text/plain', 'content-length': 4 }
  const slow = httpRequest({ port, path: '/post', method: 'POST', headers }).on('error', () => {})
  slow.flushHeaders()
  slow.write('t')
  const other = stage.app.inject('/p2')
  await stage.endNext(1)
  expect(await statusOf(other)).toBe(200)

  slow.end('ext')
  await stage.endNext(2)

  const [answer] = (await once(slow, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  await expect.poll(() => stage.door.gate.inFlight).toBe(0)
})

async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

test('the work of a client that has gone is told so, and its place is free again', async () => {
  await using stage = await createStage()
  const port = await listen(stage.app)
  const request = httpRequest({ port, path: '/p2' }).on('error', () => {})
  request.end()
  await expect.poll(() => stage.begun.length).toBe(1)
  const { signal } = stage.begun[0]!.scope!

  request.destroy()

  await expect.poll(() => signal.aborted).toBe(true)
  expect(stage.door.gate.inFlight).toBe(0)
  stage.begun[0]!.end()
})

test('a client that goes away while it waits leaves the line', async () => {
  await using stage = await createStage()
  const port = await listen(stage.app)
  const first = stage.app.inject('/p2')
  await expect.poll(() => stage.begun.length).toBe(1)
  const request = httpRequest({ port, path: '/p2' }).on('error', () => {})
  request.end()
  await expect.poll(() => stage.door.gate.waiting).toBe(1)

  request.destroy()

  await expect.poll(() => stage.door.gate.waiting).toBe(0)
  await stage.endNext(1)
  await first
  expect(stage.begun).toHaveLength(1)
})

test('a request with a body is decided before the body comes, and keeps its scope after it', async () => {
  await using stage = await createStage({ maxWaiting: 0 })
  const port = await listen(stage.app)
  const post = (body: string | null) => {
    const request = httpRequest({
      port,
      path: '/post',
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'content-length': 4 },
    })
    request.on('error', () => {})
    if (body === null) request.flushHeaders()
    else request.end(body)
    return request
  }
  const first = post('text')
  await expect.poll(() => stage.begun.length).toBe(1)
  expect(stage.begun[0]!.scope).toMatchObject({ class: 1 })

  const second = post(null)
  const [answer] = (await once(second, 'response')) as [IncomingMessage]

  expect(answer.statusCode).toBe(503)
  second.destroy()
  stage.begun[0]!.end()
  const [done] = (await once(first, 'response')) as [IncomingMessage]
  expect(done.statusCode).toBe(200)
})

test('who comes again at once on a connection while refusals take the thread is held, and forgotten when it goes away', async () => {
  await using stage = await createStage({ maxWaiting: 0 })
  const port = await listen(stage.app)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () => {
    const request = httpRequest({ port, path: '/p2', agent }).on('error', () => {})
    request.end()
    return request
  }
  const first = stage.app.inject('/p2')
  await expect.poll(() => stage.begun.length).toBe(1)
  const nowMs = performance.now()
  for (let agoMs = 400; agoMs >= 0; agoMs -= 0.1) {
    const ticket = new Ticket(2)
    stage.door.gate.ask(ticket, nowMs - agoMs)
  }
  const [refused] = (await once(ask(), 'response')) as [IncomingMessage]
  expect(refused.statusCode).toBe(503)
  await once(refused.resume(), 'end')
  const refusedBefore = stage.door.gate.refusedOf(2)

  const held = ask()
  const other = await stage.app.inject('/p2')

  expect(other.statusCode).toBe(503)
  expect(stage.door.gate.refusedOf(2)).toBe(refusedBefore + 1)
  held.destroy()
  await stage.endNext(1)
  await first
  agent.destroy()
})

test('what streams or lasts holds no place longer than its rule says', async () => {
  const app = Fastify()
  const door = installAdmission(app, { initial: 1, min: 1, isFixed: true })
  app.get('/updates', { config: { admission: { class: 1, holds: 'nothing' } } }, (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200).write('first')
  })
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  const port = await listen(app)
  const request = httpRequest({ port, path: '/updates' }).on('error', () => {})
  request.end()
  await once(request, 'response')

  expect(door.gate.inFlight).toBe(0)
  request.destroy()
})

test('metrics say limit, requests under way, waiting, and turned away by class', async () => {
  await using stage = await createStage({ maxWaiting: 1 })
  const registry = new Registry()
  registerAdmissionMetrics(registry, [stage.door])
  const first = stage.app.inject('/p2')
  await expect.poll(() => stage.begun.length).toBe(1)
  const second = stage.app.inject('/p2')
  await expect.poll(() => stage.door.gate.waiting).toBe(1)
  await stage.app.inject('/p3')

  const text = await registry.metrics()

  expect(text).toContain('admission_limit{door="process"} 1')
  expect(text).toContain('admission_in_flight{door="process"} 1')
  expect(text).toContain('admission_waiting{door="process",class="P2"} 1')
  expect(text).toContain('admission_shed_total{door="process",class="P3",why="full"} 1')
  for (const count of [1, 2]) await stage.endNext(count)
  await Promise.all([first, second])
})

test('a hint that was given to a bearer says nothing beside another', () => {
  const read = createHintReader('secret')
  const hint = signHint('secret', { person: 'ada', class: 0 }, 1_000_000, 'session 1')
  expect(read(hint, 0, 'session 1')).toEqual({ person: 'ada', class: 0 })
  expect(read(hint, 0, 'session 2')).toBeNull()
  expect(read(hint, 0)).toBeNull()
  expect(read(hint, 0, 'session 1')).toEqual({ person: 'ada', class: 0 })
})
