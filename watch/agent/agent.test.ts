import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../kit/clock.ts'
import { createLog } from '../../kit/log.ts'
import { accountRoutes } from '../../platform/modules/accounts/index.ts'
import { feedRoutes } from '../../platform/modules/feed/index.ts'
import { searchRoutes } from '../../platform/modules/search/index.ts'
import { mountApi } from '../../platform/roles/mount.ts'
import { serveLocally } from '../../tests/support/local-server.ts'
import { createWorld } from '../../tests/support/world.ts'
import { createWatchApp } from '../http/http.ts'
import { pushRoutes } from '../http/push.routes.ts'
import { createWatchWorld, ENTRY } from '../pages/world.fixtures.ts'
import type { Probes, TakenResult } from '../signals/probes/index.ts'
import { startAgent, type AgentOptions } from './index.ts'

const SECRET = 'a secret of sixteen and more'

/** A watch that asks agents for these checks and keeps what they say. */
async function openWatch(monitors: readonly string[]) {
  const entry = `${ENTRY}monitors:
${monitors.map((monitor) => `  - { features: [feed], everyS: 1, retryS: 1, allowPrivate: true, ${monitor} }`).join('\n')}
keys:
  - { id: paris, algorithm: hmac-sha256, secret: ${SECRET}, may: [probes, journeys] }
`
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWatchWorld({ entries: { upbeat: entry } }))
  // The agent has a clock of its own, and this watch's must agree with it.
  const ctx = { ...world.ctx, clock: systemClock }
  const results: TakenResult[] = []
  const probes = { take: (result: TakenResult) => void results.push(result) } as Probes
  const open = async (port: number) => {
    const app = createWatchApp(ctx)
    await pushRoutes({ observe: () => {}, probes })(app, ctx)
    return { app, address: await app.listen({ host: '127.0.0.1', port }) }
  }
  let opened = await open(0)
  const port = Number(new URL(opened.address).port)
  const owned = stack.move()
  return {
    results,
    /** Starts an agent of this watch. */
    start: (options: Partial<AgentOptions> = {}) =>
      startAgent({
        watchUrl: opened.address,
        keyId: 'paris',
        key: { algorithm: 'hmac-sha256', secret: SECRET },
        region: 'eu',
        connectivity: [],
        clock: systemClock,
        log: createLog({ level: 'silent', base: {} }),
        sendEveryMs: 20,
        askEveryMs: 20,
        ...options,
      }),
    outcomes: () =>
      results.map(({ vantageId, region, result }) => `${vantageId} ${region} ${result.outcome}`),
    /** The outcomes of a check so far, each once. */
    outcomesOf: (monitorId: string) => [
      ...new Set(
        results.filter(({ monitor }) => monitor.id === monitorId).map(({ result }) => result.outcome),
      ),
    ],
    goAway: () => opened.app.close(),
    comeBack: async () => void (opened = await open(port)),
    async [Symbol.asyncDispose]() {
      await opened.app.close()
      await owned.disposeAsync()
    },
  }
}

test('an agent checks what its watch asks for, says what it saw, and outlives a watch that is away', async () => {
  let isBroken = false
  await using target = await serveLocally((_request, response) =>
    response.writeHead(isBroken ? 500 : 200).end('ok'),
  )
  await using watch = await openWatch([`id: page, type: http, url: '${target.url}/'`])
  await using _agent = watch.start({ allowPrivate: true })
  await expect.poll(watch.outcomes).toContain('paris eu ok')

  isBroken = true
  await expect.poll(watch.outcomes).toContain('paris eu failed')
  await watch.goAway()
  const before = watch.results.length
  // What it sees meanwhile is sent once the watch is back.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const backAtMs = Date.now()
  await watch.comeBack()
  await expect.poll(() => watch.results.slice(before).some(({ atMs }) => atMs < backAtMs)).toBe(true)
  expect(watch.results.at(-1)!.result).toMatchObject({ failure: 'http-5xx' })
})

test('an agent goes to no private address that its own operator did not allow, and calls none an outage', async () => {
  let visitors = 0
  const inside = createTcpServer((socket) => {
    visitors++
    socket.on('error', () => {})
    socket.end('credentials')
  }).listen(0, '127.0.0.1')
  await once(inside, 'listening')
  const { port } = inside.address() as AddressInfo
  const monitors = {
    address: `type: http, url: 'http://127.0.0.1:${port}/latest/meta-data/'`,
    name: `type: http, url: 'http://localhost:${port}/'`,
    mapped: `type: http, url: 'http://[::ffff:127.0.0.1]:${port}/'`,
    tcp: `type: tcp, host: 127.0.0.1, port: ${port}`,
    tls: `type: tls, host: localhost, port: ${port}`,
    icmp: 'type: icmp, host: 127.0.0.1',
    dns: `type: dns, name: upbeat.example, resolvers: ['127.0.0.1:${port}']`,
    journey: `type: journey, journey: upbeat-feed, url: 'http://127.0.0.1:${port}/'`,
  }
  await using watch = await openWatch(
    Object.entries(monitors).map(([id, monitor]) => `id: ${id}, ${monitor}`),
  )
  const journeyAccount = { origin: `http://127.0.0.1:${port}`, handle: 'walker', password: 'a password' }
  {
    await using _agent = watch.start({ journeyAccount })
    for (const id of Object.keys(monitors)) await expect.poll(() => watch.outcomesOf(id)).toEqual(['error'])
  }
  expect(visitors).toBe(0)
  await using _allowed = watch.start({ allowPrivate: true, journeyAccount })
  await expect.poll(() => watch.outcomesOf('tcp')).toContain('ok')
  inside.close()
})

test('an agent makes journeys at the instance that its operator gave it an account for, and at no other', async () => {
  await using world = await createWorld()
  const { handle, password } = await world.account()
  const app = await mountApi(world.ctx, [accountRoutes, feedRoutes, searchRoutes])
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  let elsewhere = 0
  await using other = await serveLocally((_request, response) => {
    elsewhere++
    response.end('{}')
  })
  await using watch = await openWatch([
    `id: in, type: journey, journey: upbeat-sign-in, url: '${origin}'`,
    `id: feed, type: journey, journey: upbeat-feed, url: '${origin}'`,
    `id: search, type: journey, journey: upbeat-search, url: '${origin}'`,
    // Whoever writes the watch's files must not get at the password.
    `id: elsewhere, type: journey, journey: upbeat-sign-in, url: '${other.url}'`,
  ])
  {
    await using _agent = watch.start({
      allowPrivate: true,
      journeyAccount: { origin, handle, password },
    })
    for (const id of ['in', 'feed', 'search']) await expect.poll(() => watch.outcomesOf(id)).toEqual(['ok'])
  }
  expect(watch.results.every(({ vantageId }) => vantageId === 'paris')).toBe(true)
  expect([elsewhere, watch.outcomesOf('elsewhere')]).toEqual([0, []])

  // A password that was mistyped says nothing of the platform.
  watch.results.length = 0
  {
    await using _agent = watch.start({
      allowPrivate: true,
      journeyAccount: { origin, handle, password: 'mistyped' },
    })
    await expect.poll(() => watch.outcomesOf('in')).toEqual(['error'])
  }
  expect(watch.results.find(({ monitor }) => monitor.id === 'in')!.result.detail).toMatch(
    /refuses the account/,
  )

  watch.results.length = 0
  await using _agent = watch.start({ allowPrivate: true })
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(watch.results).toEqual([])
  await app.close()
})
