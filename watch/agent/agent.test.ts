import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../kit/clock.ts'
import { createLog } from '../../kit/log.ts'
import { createWatchApp } from '../http/http.ts'
import { pushRoutes } from '../http/push.routes.ts'
import { createWatchWorld, ENTRY } from '../pages/world.fixtures.ts'
import type { Probes, TakenResult } from '../signals/probes/index.ts'
import { startAgent } from './index.ts'

const SECRET = 'a secret of sixteen and more'

test('an agent checks what its watch asks for, says what it saw, and outlives a watch that is away', async () => {
  let isBroken = false
  const target = createServer((_request, response) => void response.writeHead(isBroken ? 500 : 200).end('ok'))
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  const entry = `${ENTRY}monitors:
  - { id: page, type: http, features: [feed], url: 'http://127.0.0.1:${(target.address() as AddressInfo).port}/', everyS: 1, retryS: 1, allowPrivate: true }
keys:
  - { id: paris, algorithm: hmac-sha256, secret: ${SECRET}, may: [probes] }
`
  await using world = await createWatchWorld({ entries: { upbeat: entry } })
  // The agent has a clock of its own, and this watch's must agree with it.
  const ctx = { ...world.ctx, clock: systemClock }
  const results: TakenResult[] = []
  const probes = { take: (result: TakenResult) => void results.push(result) } as Probes
  const open = async (port: number) => {
    const app = createWatchApp(ctx)
    await pushRoutes({ observe: () => {}, probes })(app, ctx)
    return { app, address: await app.listen({ host: '127.0.0.1', port }) }
  }
  const first = await open(0)
  await using _agent = startAgent({
    watchUrl: first.address,
    keyId: 'paris',
    key: { algorithm: 'hmac-sha256', secret: SECRET },
    region: 'eu',
    connectivity: [],
    clock: systemClock,
    log: createLog({ level: 'silent', base: {} }),
    sendEveryMs: 20,
    askEveryMs: 20,
  })
  const outcomes = () =>
    results.map(({ vantageId, region, result }) => `${vantageId} ${region} ${result.outcome}`)
  await expect.poll(outcomes).toContain('paris eu ok')

  isBroken = true
  await expect.poll(outcomes).toContain('paris eu failed')
  await first.app.close()
  const before = results.length
  // What it sees meanwhile is sent once the watch is back.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const second = await open(Number(new URL(first.address).port))
  await expect.poll(() => results.length).toBeGreaterThan(before)
  expect(results.at(-1)!.result).toMatchObject({ failure: 'http-5xx' })
  await second.app.close()
  target.closeAllConnections()
  target.close()
})
