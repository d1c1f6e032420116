import { createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject, expect, test } from 'vitest'
import { identifyProcess, sendSignal } from '../../kit/processes.ts'
import { runProductToItsEnd, startProduct } from '../../tests/support/product.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { askDesk } from './control.ts'

const isAlive = async (url: string) => (await fetch(`${url}/healthz`)).status === 200

test('it starts, tells the operator link, serves, stops cleanly, and starts again on the same data', async () => {
  await using dir = await makeTemporaryDir()
  const first = await startProduct({ dataDir: dir.path })
  expect(await isAlive(first.url)).toBe(true)
  expect(await first.operatorPath()).toMatch(/^\/first-run\?token=[\w-]{20,}$/)
  const { postgres } = await first.settled()

  expect(await first.stop()).toBe(0)
  expect(first.told()).toContain('Upbeat has stopped')
  expect(await identifyProcess(postgres!.pid!)).toBeNull()

  await using second = await startProduct({ dataDir: dir.path })
  expect(await isAlive(second.url)).toBe(true)
})

test('a second supervisor on the same data folder is refused with the reason', async () => {
  await using dir = await makeTemporaryDir()
  await using first = await startProduct({ dataDir: dir.path })

  const second = await runProductToItsEnd({ dataDir: dir.path })

  expect(second.code).toBe(1)
  expect(second.output).toContain(
    `Upbeat already runs on ${dir.path} (process ${await first.pidOf('supervisor')})`,
  )
  expect(await isAlive(first.url)).toBe(true)
})

test('a port in use is told before anything is started', async () => {
  await using dir = await makeTemporaryDir()
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const { port } = squatter.address() as { port: number }

  const attempt = await runProductToItsEnd({ dataDir: dir.path, port })

  expect(attempt).toMatchObject({ code: 1, output: expect.stringContaining(`Port ${port} is used`) })
  squatter.close()
})

test('a request sent while the api is dead is answered by its successor', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  const killed = await product.pidOf('api')
  sendSignal(killed, 'SIGKILL')
  while ((await product.status()).roles.some(({ pid }) => pid === killed)) await sleep(5)

  expect(await isAlive(product.url)).toBe(true)
  expect(await product.pidOf('api')).not.toBe(killed)
})

test('after its supervisor was killed, the next start adopts PostgreSQL, ends what was left and serves', async () => {
  await using dir = await makeTemporaryDir()
  const first = await startProduct({ dataDir: dir.path })
  const before = await first.settled()
  await first.killSupervisor()

  await using second = await startProduct({ dataDir: dir.path })

  expect((await second.status()).postgres).toEqual({ pid: before.postgres!.pid, isAdopted: true })
  for (const { pid } of before.roles) expect(await identifyProcess(pid!)).toBeNull()
  expect(await isAlive(second.url)).toBe(true)
})

test('a role on hold stays down, and the rest goes on', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  await product.settled()

  const held = await product.control({ command: 'hold', role: 'worker' })

  expect(held.roles).toContainEqual(expect.objectContaining({ role: 'worker', state: 'held', pid: null }))
  expect(await isAlive(product.url)).toBe(true)
  await product.control({ command: 'release', role: 'worker' })
  await product.settled()
  const audit = await askDesk(dir.path, { command: 'audit', limit: 5 })
  expect(new Set(audit.map(({ order }) => order.type))).toEqual(new Set(['hold-role', 'release-role']))
})

test('a database of one’s own is used in place of the embedded one', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: dir.path,
    env: { DATABASE_URL: inject('databaseUrl') },
  })

  expect((await product.status()).postgres).toBeNull()
  expect(await isAlive(product.url)).toBe(true)
})
