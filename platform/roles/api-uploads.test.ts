/** Uploads by way of the api role, which passes them on to the ingest role. */
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { makeClip } from '../../tests/support/clips.ts'
import { createTusClient, makeFileBytes } from '../../tests/support/ingest.ts'
import { createWorld } from '../../tests/support/world.ts'
import type { App } from '../app/http.ts'
import { createApi } from './api.ts'
import { createIngest } from './ingest.ts'

const addressOf = (app: App) => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`

async function setUp() {
  const stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld({ isWorker: true }))
  const listen = async (app: App) => {
    stack.defer(() => app.close())
    await app.listen({ host: '127.0.0.1', port: 0 })
    return addressOf(app)
  }
  const ingestAddress = await listen(await createIngest(world.ctx))
  const ctx = { ...world.ctx, config: { ...world.config, ingestAddress } }
  const url = `${await listen(await createApi(ctx))}/api/v1`
  const client = createTusClient(url, await world.account())
  return { world, url, client, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('every verb of tus, receipts and problems come through unchanged', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(3_000_000)
  const options = await s.client.send('OPTIONS', '/uploads')
  expect([options.status, options.headers.get('tus-version')]).toEqual([204, '1.0.0'])
  const created = await s.client.create(bytes.length)
  const location = created.headers.get('location')!
  expect([created.status, location]).toEqual([201, expect.stringMatching(/^\/api\/v1\/uploads\//)])
  const path = location.replace('/api/v1', '')
  expect((await s.client.patch(path, 0, bytes.subarray(0, 1_000_000))).status).toBe(204)
  expect(await s.client.offset(path)).toBe(1_000_000)
  const conflict = await s.client.patch(path, 5, bytes.subarray(0, 10))
  expect([conflict.status, conflict.headers.get('upload-offset')]).toEqual([409, '1000000'])
  expect(await conflict.json()).toMatchObject({ code: 'upload-offset-conflict' })
  expect((await s.client.patch(path, 1_000_000, bytes.subarray(1_000_000))).status).toBe(204)
  expect((await s.client.receipt(path)).receivedBytes).toBe(bytes.length)
  const other = (await s.client.create(100)).headers.get('location')!.replace('/api/v1', '')
  expect((await s.client.send('DELETE', other)).status).toBe(204)
  const foreign = await s.client.create(100, {}, { origin: 'https://elsewhere.example' })
  expect(await foreign.json()).toMatchObject({ code: 'foreign-origin' })
  expect((await s.client.create(100, {}, { origin: new URL(s.url).origin })).status).toBe(201)
})

test('a client that goes away in the middle has what it sent kept', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(2_000_000)
  const path = (await s.client.start(bytes.length)).replace('/api/v1', '')
  const request = httpRequest(`${s.url}${path}`, {
    method: 'PATCH',
    headers: {
      ...s.client.headers,
      'upload-offset': 0,
      'content-type': 'application/offset+octet-stream',
      'content-length': bytes.length,
    },
  })
  request.on('error', () => {})
  const response = once(request, 'response') as Promise<[IncomingMessage]>
  request.write(bytes.subarray(0, 500_000))
  const staged = join(s.world.config.paths.staging, `${path.split('/').at(-1)}.bytes`)
  const sizeOf = () =>
    stat(staged).then(
      ({ size }) => size,
      () => 0,
    )
  for (let i = 0; i < 500 && (await sizeOf()) < 500_000; i++) await sleep(20)
  // Asking for the offset interrupts whoever is sending.
  const offset = await s.client.offset(path)
  expect((await response)[0].statusCode).toBe(400)
  request.destroy()
  expect(offset).toBe(500_000)
  expect((await s.client.patch(path, offset, bytes.subarray(offset))).status).toBe(204)
})

test('an api without an ingest role beside it makes what it receives playable by itself', async () => {
  await using world = await createWorld({ isWorker: true })
  const app = await createApi(world.ctx)
  await using _listening = { [Symbol.asyncDispose]: () => app.close() }
  await app.listen({ host: '127.0.0.1', port: 0 })
  const client = createTusClient(`${addressOf(app)}/api/v1`, await world.account())
  // Its index is at the end and not sent ahead: the encoder waits for the whole file, and its job for the lane.
  const bytes = await readFile(await makeClip('h264IndexAtEnd'))
  const path = (await client.start(bytes.length)).replace('/api/v1', '')

  expect((await client.patch(path, 0, bytes)).status).toBe(204)

  await expect.poll(async () => (await client.receipt(path)).state, { timeout: 50_000 }).toBe('playable')
})
