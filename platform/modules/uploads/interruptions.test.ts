/** Lines that are cut, clients that meet, processes that die, disks that fill up: what was acknowledged stays. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeFileBytes, startIngest } from '../../../tests/support/ingest.ts'
import { createWorld } from '../../../tests/support/world.ts'
import {
  checksum,
  MIB,
  openPatch,
  setUp,
  sha,
  stored,
  waitForEmptyStaging,
  waitForStaged,
} from './uploads.fixtures.ts'

test('when the line is cut, what has come is kept; with a checksum, which can’t be known then, nothing of that part', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(MIB)
  const path = await s.client.start(bytes.length)
  const cut = openPatch(s.ingest, s.client, path, 0, bytes.length)
  cut.request.write(bytes.subarray(0, 100_000))
  await waitForStaged(s.world, path, 100_000)
  cut.request.destroy()
  const offset = await eventually(
    () => s.client.offset(path),
    (at) => at > 0,
  )
  expect(offset).toBe(100_000)

  const checked = openPatch(s.ingest, s.client, path, offset, bytes.length - offset)
  checked.request.setHeader('upload-checksum', checksum('sha1', bytes.subarray(offset))['upload-checksum'])
  checked.request.write(bytes.subarray(offset, 200_000))
  await waitForStaged(s.world, path, 200_000)
  checked.request.destroy()
  expect(await s.client.offset(path)).toBe(offset)
  expect((await s.client.patch(path, offset, bytes.subarray(offset))).status).toBe(204)
  expect((await s.client.receipt(path)).sha256).toBe(sha('sha256', bytes).toString('hex'))
})

test('a second client takes over in the middle; the first is told, and no byte is mixed up', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(2 * MIB)
  const path = await s.client.start(bytes.length)
  const first = openPatch(s.ingest, s.client, path, 0, bytes.length)
  first.request.write(bytes.subarray(0, 300_000))
  await waitForStaged(s.world, path, 300_000)

  // Another device of the same account, while the first one hangs.
  const offset = await s.client.offset(path)
  const told = await first.response
  expect([told.status, JSON.parse(told.body).code]).toEqual([400, 'upload-taken-over'])
  expect(offset).toBe(300_000)
  first.request.destroy()
  expect((await s.client.patch(path, offset, bytes.subarray(offset))).status).toBe(204)
  expect((await s.client.receipt(path)).sha256).toBe(sha('sha256', bytes).toString('hex'))
})

test('of many clients that send the same part at once one goes through, and the file is right', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(3 * MIB)
  const path = await s.client.start(bytes.length)
  for (let at = 0; at < bytes.length; at = await s.client.offset(path)) {
    const piece = bytes.subarray(at, at + MIB)
    const answers = await Promise.all(Array.from({ length: 5 }, () => s.client.patch(path, at, piece)))
    for (const { status } of answers) expect([204, 400, 409]).toContain(status)
  }
  expect((await s.client.receipt(path)).sha256).toBe(sha('sha256', bytes).toString('hex'))
})

test('after a restart in the middle it goes on at what was acknowledged, whatever else lay in the file', async () => {
  await using world = await createWorld()
  const account = await world.account()
  const bytes = makeFileBytes(10 * MIB)
  let path: string
  {
    await using ingest = await startIngest(world.ctx)
    path = await ingest.as(account).start(bytes.length)
    await ingest.as(account).patch(path, 0, bytes.subarray(0, 5 * MIB))
  }
  const staged = join(world.config.paths.staging, `${path.split('/').at(-1)}.bytes`)
  // Bytes of a request that was never answered.
  await writeFile(staged, Buffer.concat([await readFile(staged), Buffer.from('never acknowledged')]))

  await using ingest = await startIngest(world.ctx)
  const client = ingest.as(account)
  expect(await client.offset(path)).toBe(5 * MIB)
  expect((await client.patch(path, 5 * MIB, bytes.subarray(5 * MIB))).status).toBe(204)
  const receipt = await client.receipt(path)
  expect(receipt.sha256).toBe(sha('sha256', bytes).toString('hex'))
  expect(bytes.equals((await eventually(() => stored(world, receipt.videoId)))!)).toBe(true)
})

test.each(['missing', 'changed'] as const)(
  'acknowledged bytes that are %s after a restart are told honestly, never papered over',
  async (damage) => {
    await using world = await createWorld()
    const account = await world.account()
    const bytes = makeFileBytes(6 * MIB)
    let path: string
    {
      await using ingest = await startIngest(world.ctx)
      path = await ingest.as(account).start(bytes.length)
      await ingest.as(account).patch(path, 0, bytes.subarray(0, 5 * MIB))
    }
    const staged = join(world.config.paths.staging, `${path.split('/').at(-1)}.bytes`)
    if (damage === 'missing') await truncate(staged, MIB)
    else {
      const rotten = await readFile(staged)
      rotten[4 * MIB - 1]! ^= 1
      await writeFile(staged, rotten)
    }
    await using ingest = await startIngest(world.ctx)
    const client = ingest.as(account)
    const answer = await client.patch(path, 5 * MIB, bytes.subarray(5 * MIB))
    expect(await answer.json()).toMatchObject({ status: 500, code: 'upload-damaged', side: 'us' })
    expect(await client.receipt(path)).toMatchObject({
      state: 'failed',
      failure: { code: 'upload-damaged', canRetry: true },
    })
  },
)

test('a process that ended between safe and handing over is made up for at the next start', async () => {
  await using world = await createWorld()
  const account = await world.account()
  const bytes = makeFileBytes(5 * MIB)
  const { putFile } = world.ctx.blobs
  let path: string
  {
    await using ingest = await startIngest(world.ctx)
    world.ctx.blobs.putFile = () => Promise.reject(new Error('the process was killed here'))
    path = await ingest.as(account).start(bytes.length)
    expect((await ingest.as(account).patch(path, 0, bytes)).status).toBe(204)
  }
  world.ctx.blobs.putFile = putFile
  await using ingest = await startIngest(world.ctx)
  const { videoId, state } = await ingest.as(account).receipt(path)
  expect(state).toBe('safe')
  expect(bytes.equals((await eventually(() => stored(world, videoId)))!)).toBe(true)
  await waitForEmptyStaging(world)
})

test.skipIf(process.getuid?.() !== 0)(
  'a disk that fills up in the middle keeps what came, says so, and goes on once there is room',
  async () => {
    await using s = await setUp()
    const { staging } = s.world.config.paths
    await using _disk = await mountSmallDisk(staging, '4m')
    const bytes = makeFileBytes(2 * MIB)
    const path = await s.client.start(bytes.length)
    await s.client.patch(path, 0, bytes.subarray(0, MIB))
    const filler = join(staging, 'filler')
    await writeFile(filler, Buffer.alloc(4 * MIB)).catch(() => {})

    const answer = await s.client.patch(path, MIB, bytes.subarray(MIB))
    expect(await answer.json()).toMatchObject({ status: 507, code: 'storage-full', isWorkKept: true })
    expect((await s.client.create(100)).status).toBe(507)
    const kept = await s.client.offset(path)
    expect(kept).toBeGreaterThanOrEqual(MIB)

    await rm(filler)
    expect((await s.client.patch(path, kept, bytes.subarray(kept))).status).toBe(204)
    const receipt = await s.client.receipt(path)
    expect(receipt.sha256).toBe(sha('sha256', bytes).toString('hex'))
    // The staging disk is another one than the blobs' here: the original is copied, not moved.
    expect(bytes.equals((await eventually(() => stored(s.world, receipt.videoId)))!)).toBe(true)
  },
)

for (const disk of ['staging', 'blobs'] as const)
  test.skipIf(process.getuid?.() !== 0)(
    `while the disk of ${disk} can only be read a new upload is refused before a byte, and told why`,
    async () => {
      await using s = await setUp()
      const dir = s.world.config.paths[disk]
      await using _disk = await mountSmallDisk(dir, '4m')
      const limits = async () => (await s.client.send('GET', '/uploads/limits')).json()
      expect((await limits()).availableBytes).toBeGreaterThan(0)
      await promisify(execFile)('mount', ['-o', 'remount,ro', dir])

      const refused = await s.client.create(100)
      expect(refused.headers.get('retry-after')).toBe('60')
      expect(await refused.json()).toMatchObject({
        status: 507,
        code: 'storage-full',
        title: 'The instance has no room for this now',
        detail: 'The disk for videos can only be read at this moment: it takes nothing new.',
        facts: { cause: 'read-only' },
      })
      expect((await limits()).availableBytes).toBe(0)
      expect((await (await s.client.send('GET', '/uploads')).json()).items).toEqual([])

      await promisify(execFile)('mount', ['-o', 'remount,rw', dir])
      expect((await s.client.create(100)).status).toBe(201)
    },
  )

async function mountSmallDisk(dir: string, size: string): Promise<AsyncDisposable> {
  const run = promisify(execFile)
  await mkdir(dir, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir])
  // Lazily: a file may still be open when the test has failed.
  return { [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', dir])) }
}
