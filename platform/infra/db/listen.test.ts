import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, test } from 'vitest'
import { startFaultProxy, type FaultProxy } from '../../../tests/support/fault-proxy.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { notify, openDatabase, openGuard, openListener } from './index.ts'

const onError = () => {}

async function openWorld({
  isGuarded,
  trouble,
}: {
  isGuarded: boolean
  trouble?: (proxy: FaultProxy) => void
}) {
  await using stack = new AsyncDisposableStack()
  const direct = new URL(inject('databaseUrl'))
  direct.pathname = '/postgres'
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(direct.port) }))
  trouble?.(proxy)
  const url = new URL(direct)
  url.port = String(proxy.port)
  const guard = isGuarded ? stack.use(openGuard({ url: url.href, onError })) : null
  await guard?.settled()
  const listener = stack.use(openListener({ url: url.href, onError, ...(guard && { guard }) }))
  const { db } = stack.use(openDatabase({ url: direct.href, poolSize: 1, applicationName: 'test', onError }))
  const owned = stack.move()
  return { proxy, guard, listener, db, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('a listener whose link went dead without a word hears again by itself, and tells of the gap', async () => {
  for (const isGuarded of [true, false]) {
    await using world = await openWorld({ isGuarded })
    const heard: unknown[] = []
    let gaps = 0
    world.listener.on('news', (payload) => heard.push(payload))
    world.listener.onGap(() => gaps++)
    await world.listener.settled()

    world.proxy.freeze()
    if (world.guard) await expect.poll(() => world.guard!.isUp, { timeout: 10_000 }).toBe(false)
    else await sleep(4_500)
    await notify(world.db, 'news', 'missed')
    world.proxy.thaw()

    await expect.poll(() => gaps, { timeout: 10_000 }).toBe(1)
    await notify(world.db, 'news', 'heard')
    await expect.poll(() => heard).toContain('heard')
  }
}, 30_000)

test('nobody waits for a listener while the database is away; that something was missed is told when it is there', async () => {
  await using world = await openWorld({ isGuarded: true, trouble: (proxy) => proxy.refuse() })
  let gaps = 0
  world.listener.onGap(() => gaps++)

  await world.listener.settled()
  expect(world.guard!.isUp).toBe(false)

  world.proxy.admit()
  await expect.poll(() => gaps, { timeout: 5_000 }).toBe(1)
  await world.listener.settled()
})

test('channels asked for in one breath are all heard, and the connection is asked for one at a time', async () => {
  await using world = await createWorld()
  const { listener, db } = world.ctx
  await listener.settled()
  const warnings: string[] = []
  const note = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', note)
  const channels = ['one', 'two', 'three', 'four', 'five']
  const heard = new Set<unknown>()

  for (const channel of channels) listener.on(channel, (payload) => heard.add(payload))
  await listener.settled()
  for (const channel of channels) await notify(db, channel, channel)

  await expect.poll(() => heard).toEqual(new Set(channels))
  process.off('warning', note)
  expect(warnings).toEqual([])
})
