import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, test } from 'vitest'
import { startFaultProxy } from '../../../tests/support/fault-proxy.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { isDatabaseUnavailable, openGuard } from '../db/index.ts'
import { openJobs, type Queue } from './index.ts'

const onError = () => {}
const queue: Queue<{ n: number }> = { name: 'numbers' }

test('queues open without their database: handlers begin, and jobs are taken, when it comes', async () => {
  await using world = await createWorld()
  const url = new URL(world.databaseUrl)
  await using proxy = await startFaultProxy({ targetPort: Number(new URL(inject('databaseUrl')).port) })
  url.port = String(proxy.port)
  proxy.refuse()
  await using guard = openGuard({ url: url.href, onError })
  await guard.settled()

  await using jobs = await openJobs({ url: url.href, isWorker: true, onError, guard })
  const done: number[] = []
  await jobs.work(queue, {}, async ({ data }) => void done.push(data.n))
  const early = await jobs.enqueue(world.ctx.db, queue, { n: 1 }).catch((error: unknown) => error)
  expect(isDatabaseUnavailable(early)).toBe(true)

  proxy.admit()
  await expect.poll(() => guard.isUp, { timeout: 5_000 }).toBe(true)
  await jobs.enqueue(world.ctx.db, queue, { n: 2 })
  await expect.poll(() => done, { timeout: 10_000 }).toEqual([2])
})

test('jobs go on by themselves after the database was away', async () => {
  await using world = await createWorld()
  const url = new URL(world.databaseUrl)
  await using proxy = await startFaultProxy({ targetPort: Number(new URL(inject('databaseUrl')).port) })
  url.port = String(proxy.port)
  await using guard = openGuard({ url: url.href, onError })
  await using jobs = await openJobs({ url: url.href, isWorker: true, onError, guard })
  const done: number[] = []
  await jobs.work(queue, {}, async ({ data }) => void done.push(data.n))
  await jobs.enqueue(world.ctx.db, queue, { n: 1 })
  await expect.poll(() => done, { timeout: 10_000 }).toEqual([1])

  proxy.freeze()
  await expect.poll(() => guard.isUp, { timeout: 5_000 }).toBe(false)
  await world.ctx.jobs.enqueue(world.ctx.db, queue, { n: 2 })
  proxy.thaw()

  await expect.poll(() => done, { timeout: 15_000 }).toEqual([1, 2])
}, 30_000)

test('queues that never had their database close at once', async () => {
  await using proxy = await startFaultProxy({ targetPort: 1 })
  const url = `postgres://nobody@127.0.0.1:${proxy.port}/nothing`
  await using guard = openGuard({ url, onError })
  await guard.settled()
  const jobs = await openJobs({ url, isWorker: true, onError, guard })
  const working = await jobs.work(queue, {}, async () => {})

  await working.stop()
  await jobs[Symbol.asyncDispose]()
})

test('queues whose database goes while they start close at once, whenever that is', async () => {
  await using world = await createWorld()
  const url = new URL(world.databaseUrl)
  await using proxy = await startFaultProxy({ targetPort: Number(url.port) })
  url.port = String(proxy.port)
  for (const afterMs of [0, 5, 10, 20, 40]) {
    proxy.admit()
    await using guard = openGuard({ url: url.href, onError })
    await guard.settled()
    const jobs = await openJobs({ url: url.href, isWorker: false, onError, guard })
    const working = await jobs.work(queue, {}, async () => {})
    await sleep(afterMs)
    proxy.refuse()
    proxy.reset()
    await expect.poll(() => guard.isUp, { timeout: 5_000 }).toBe(false)

    await working.stop()
    await jobs[Symbol.asyncDispose]()
  }
}, 30_000)
