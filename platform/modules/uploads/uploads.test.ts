import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeFileBytes, startIngest } from '../../../tests/support/ingest.ts'
import { createFakeClock, createWorld } from '../../../tests/support/world.ts'
import { problemKinds } from '../../app/errors.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { deleteVideo, recordFailure } from '../videos/index.ts'
import { MAX_OPEN_UPLOADS } from './limits.ts'
import { MIB, setUp, sha, stored, waitForEmptyStaging } from './uploads.fixtures.ts'

const DAY_MS = 24 * 3_600_000

test('a file arrives in pieces, is safe with its checksum, and the original is kept byte for byte', async () => {
  await using s = await setUp()
  const { client, world } = s
  const bytes = makeFileBytes(9 * MIB + 13)
  const created = await client.create(bytes.length, { caption: 'Hi #there', filename: 'Ferien ☀️.mp4' })
  expect(created.status).toBe(201)
  const path = created.headers.get('location')!
  expect(await created.json()).toMatchObject({
    state: 'receiving',
    filename: 'Ferien ☀️.mp4',
    receivedBytes: 0,
    sizeBytes: bytes.length,
    progress: 0,
    sha256: null,
    caption: 'Hi #there',
    visibility: 'public',
  })

  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + 5 * MIB)
    const answer = await client.patch(path, at, piece)
    expect(answer.status).toBe(204)
    at += piece.length
    expect(answer.headers.get('upload-offset')).toBe(String(at))
    expect(answer.headers.get('tus-resumable')).toBe('1.0.0')
  }

  const receipt = await client.receipt(path)
  expect(receipt).toMatchObject({
    state: 'safe',
    receivedBytes: bytes.length,
    sha256: sha('sha256', bytes).toString('hex'),
    safeAt: expect.any(String),
    failure: null,
  })
  const original = await eventually(() => stored(world, receipt.videoId))
  expect(bytes.equals(original!)).toBe(true)
  const leaves = await world.ctx.blobs.readAll(`originals/${receipt.videoId}/leaves`)
  const expected = [0, 4, 8].map((mib) => sha('sha256', bytes.subarray(mib * MIB, (mib + 4) * MIB)))
  expect(Buffer.concat(expected).equals(leaves!)).toBe(true)
  await waitForEmptyStaging(world)
  expect(await client.offset(path)).toBe(bytes.length)
  const job = await world.ctx.pool.query(`select data from pgboss.job where name = 'first-playable'`)
  expect(job.rows).toEqual([{ data: { videoId: receipt.videoId, accountId: s.account.id } }])
})

test('receipts say when they were true, so that a browser knows which of two is the later one', async () => {
  await using s = await setUp()
  const path = await s.client.start(5000)
  const before = await s.client.receipt(path)
  await s.client.patch(path, 0, makeFileBytes(5000).subarray(0, 2000))
  const after = await s.client.receipt(path)
  const { items } = await (await s.client.send('GET', '/uploads')).json()

  const [first, second, third] = [before, after, items[0]].map(({ asOf }) => Date.parse(asOf))
  expect(second).toBeGreaterThan(first!)
  expect(third).toBeGreaterThanOrEqual(second!)
})

test('limits are asked and answered before a byte is sent', async () => {
  await using s = await setUp({ env: { UPLOAD_MAX_BYTES: '5000', UPLOAD_MAX_DURATION_S: '60' } })
  s.world.ctx.blobs.freeBytes = async () => 10_000
  const limits = async () => (await s.client.send('GET', '/uploads/limits')).json()
  expect(await limits()).toMatchObject({
    maxSizeBytes: 5000,
    maxDurationS: 60,
    maxConcurrent: MAX_OPEN_UPLOADS,
    availableBytes: 10_000,
  })

  expect(await (await s.client.create(5001)).json()).toMatchObject({
    status: 413,
    code: 'upload-too-large',
    facts: { maxSizeBytes: 5000 },
  })
  expect(await (await s.client.create(0)).json()).toMatchObject({ status: 400, code: 'video-empty-file' })
  const first = await s.client.start(5000)
  await s.client.patch(first, 0, makeFileBytes(5000).subarray(0, 2000))
  expect((await limits()).availableBytes).toBe(7_000)
  const second = await s.client.create(4000)
  expect(second.status).toBe(201)
  const full = await s.client.create(3001)
  expect(full.headers.get('retry-after')).toBe('60')
  expect(await full.json()).toMatchObject({
    status: 507,
    code: 'storage-full',
    side: 'us',
    facts: { sizeBytes: 3001, availableBytes: 3000 },
  })
  expect((await s.client.create(3000)).status).toBe(201)

  await s.client.send('DELETE', first)
  expect((await limits()).availableBytes).toBe(3000)
})

test('an account has a quota: told before a byte is sent, met at its edge, and given back by deleting', async () => {
  await using s = await setUp({ env: { UPLOAD_QUOTA_BYTES: '1000' } })
  const limits = async () => (await s.client.send('GET', '/uploads/limits')).json()
  expect(await limits()).toMatchObject({ quotaBytes: 1000, usedBytes: 0, availableBytes: 1000 })
  const first = await s.client.start(600)
  await s.client.patch(first, 0, makeFileBytes(600))
  expect(await limits()).toMatchObject({ usedBytes: 600, availableBytes: 400 })

  const refused = await s.client.create(401)
  expect(await refused.json()).toMatchObject({
    status: 413,
    code: 'upload-quota-full',
    side: 'you',
    isWorkKept: true,
    facts: { sizeBytes: 401, usedBytes: 600, quotaBytes: 1000 },
  })
  const second = await s.client.start(400)
  expect(await limits()).toMatchObject({ usedBytes: 1000, availableBytes: 0 })
  expect((await s.client.create(1)).status).toBe(413)
  const other = s.ingest.as(await s.world.account())
  expect((await other.create(1000)).status).toBe(201)

  await s.client.send('DELETE', second)
  expect((await limits()).usedBytes).toBe(600)
  const { videoId } = await s.client.receipt(first)
  await deleteVideo(s.world.ctx, { viewerId: s.account.id, videoId })
  expect(await limits()).toMatchObject({ usedBytes: 0, availableBytes: 1000 })
})

test('two that ask at once of one account get no more than its quota', async () => {
  await using s = await setUp({ env: { UPLOAD_QUOTA_BYTES: '1000' } })
  const answers = await Promise.all(Array.from({ length: 4 }, () => s.client.create(600)))
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 413, 413, 413])
})

test('two that ask at once are not promised the same room', async () => {
  await using s = await setUp()
  s.world.ctx.blobs.freeBytes = async () => 1000
  const answers = await Promise.all(Array.from({ length: 4 }, () => s.client.create(600)))
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 507, 507, 507])
})

test('an account has at most ten open uploads; another account is not held up', async () => {
  await using s = await setUp()
  for (let i = 0; i < MAX_OPEN_UPLOADS; i++) await s.client.start(100)
  expect(await (await s.client.create(100)).json()).toMatchObject({ status: 429, code: 'too-many-uploads' })
  const other = s.ingest.as(await s.world.account())
  expect((await other.create(100)).status).toBe(201)
})

test('only its account sees and uses an upload, but from any device', async () => {
  await using s = await setUp()
  const path = await s.client.start(100)
  const stranger = s.ingest.as(await s.world.account())
  const attempts = [
    stranger.send('GET', path),
    stranger.send('HEAD', path),
    stranger.send('DELETE', path),
    stranger.patch(path, 0, Buffer.alloc(10)),
    stranger.send('PUT', `${path}/index`, { 'upload-index-offset': '0' }, 'x'),
  ]
  for (const attempt of await Promise.all(attempts)) expect(attempt.status).toBe(404)
  expect((await fetch(`${s.ingest.url}${path}`)).status).toBe(401)
  expect(await s.client.offset(path)).toBe(0)
})

test('the same Idempotency-Key makes one upload, also when sent at once', async () => {
  await using s = await setUp()
  const key = { 'idempotency-key': randomUUID() }
  const answers = await Promise.all(Array.from({ length: 3 }, () => s.client.create(100, {}, key)))
  expect(new Set(answers.map((answer) => answer.headers.get('location'))).size).toBe(1)
  expect((await (await s.client.send('GET', '/uploads')).json()).items).toHaveLength(1)
})

test('cancelling frees the space and discards the video; the receipt stays, and no more bytes are taken', async () => {
  await using s = await setUp()
  const path = await s.client.start(1000)
  await s.client.patch(path, 0, makeFileBytes(500))
  expect((await s.client.send('DELETE', path)).status).toBe(204)
  expect((await s.client.send('DELETE', path)).status).toBe(204)
  expect(await s.client.receipt(path)).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) })
  expect(await readdir(s.world.config.paths.staging)).toEqual([])
  expect((await s.client.send('HEAD', path)).status).toBe(410)
  expect(await (await s.client.patch(path, 500, Buffer.alloc(10))).json()).toMatchObject({
    status: 410,
    code: 'upload-ended',
  })
})

test('deleting the video while it arrives cancels the upload', async () => {
  await using s = await setUp()
  const path = await s.client.start(1000)
  await s.client.patch(path, 0, makeFileBytes(500))
  const { videoId } = await s.client.receipt(path)
  await deleteVideo(s.world.ctx, { viewerId: s.account.id, videoId })
  expect((await s.client.receipt(path)).state).toBe('cancelled')
  await waitForEmptyStaging(s.world)
  expect((await s.client.patch(path, 500, Buffer.alloc(10))).status).toBe(410)
})

test('an upload without bytes for seven days expires, is a notification, and stays as a receipt', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  const account = await world.account()
  let path: string
  {
    await using ingest = await startIngest(world.ctx)
    path = await ingest.as(account).start(1000)
    await ingest.as(account).patch(path, 0, makeFileBytes(300))
    clock.advance(7 * DAY_MS)
  }
  {
    await using ingest = await startIngest(world.ctx)
    await sleep(100)
    expect((await ingest.as(account).receipt(path)).state).toBe('receiving')
    clock.advance(1000)
  }
  await using ingest = await startIngest(world.ctx)
  const receipt = await eventually(
    () => ingest.as(account).receipt(path),
    ({ state }) => state === 'failed',
  )
  expect(receipt.failure).toEqual({
    code: 'upload-expired',
    reason: expect.stringContaining('300 of 1000 bytes'),
    next: problemKinds['upload-expired'].next,
    canRetry: true,
  })
  await waitForEmptyStaging(world)
  const told = await world.ctx.db.selectFrom('notification').select(['kind', 'upload_id']).execute()
  expect(told).toEqual([{ kind: 'upload-failed', upload_id: receipt.id }])
})

test('an upload that never got a byte gives its reserved space back after an hour', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  const account = await world.account()
  let path: string
  {
    await using ingest = await startIngest(world.ctx)
    path = await ingest.as(account).start(1000)
    clock.advance(3_600_000)
  }
  {
    await using ingest = await startIngest(world.ctx)
    await sleep(100)
    expect((await ingest.as(account).receipt(path)).state).toBe('receiving')
    clock.advance(1000)
  }
  await using ingest = await startIngest(world.ctx)
  const receipt = await eventually(
    () => ingest.as(account).receipt(path),
    ({ state }) => state === 'failed',
  )
  expect(receipt.failure).toMatchObject({ code: 'upload-expired', canRetry: true })
})

test('a text file named .mp4 is refused while it still arrives, with what is wrong with it', async () => {
  await using s = await setUp()
  const bytes = Buffer.from('This is no video. '.repeat(20_000))
  const path = await s.client.start(bytes.length + 10)
  await s.client.patch(path, 0, bytes)
  const receipt = await eventually(
    () => s.client.receipt(path),
    ({ state }) => state === 'failed',
  )
  expect(receipt.failure).toMatchObject({ code: 'video-not-a-video', canRetry: false })
  expect((await s.client.patch(path, bytes.length, Buffer.alloc(10))).status).toBe(410)
})

test('a failure found later shows on the receipt, which outlives the video', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(100)
  const path = await s.client.start(bytes.length)
  await s.client.patch(path, 0, bytes)
  const { videoId } = await s.client.receipt(path)
  const { ctx } = s.world
  await inTransaction(ctx, (tx) =>
    recordFailure(ctx, tx, { videoId, code: 'video-unreadable', reason: 'Its header is damaged.' }),
  )
  expect(await s.client.receipt(path)).toMatchObject({
    state: 'failed',
    endedAt: expect.any(String),
    failure: { code: 'video-unreadable', reason: 'Its header is damaged.' },
  })
  await deleteVideo(ctx, { viewerId: s.account.id, videoId })
  expect((await s.client.receipt(path)).failure).toMatchObject({ code: 'video-unreadable' })
})

test('receipts are listed newest first, each once', async () => {
  await using s = await setUp()
  const paths: string[] = []
  for (let i = 0; i < 5; i++) paths.push(await s.client.start(100 + i))
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await (await s.client.send('GET', `/uploads?limit=2${query}`)).json()
    for (const { id } of page.items) seen.push(`/uploads/${id}`)
    cursor = page.nextCursor
  }
  expect(seen).toEqual(paths.toReversed())
})

test('captions keep their Unicode; those that are too long are refused before a byte is sent', async () => {
  await using s = await setUp()
  const caption = 'Zoë 🚲 ان #日本語'
  const path = await s.client.start(100, { caption })
  expect((await s.client.receipt(path)).caption).toBe(caption)
  const long = await s.client.create(100, { caption: 'x'.repeat(10_240) })
  expect(await long.json()).toMatchObject({ status: 400, fields: { caption: expect.any(String) } })
  expect((await s.client.create(100, { caption: '🚲'.repeat(1100) })).status).toBe(201)
  expect((await s.client.create(100, { visibility: 'everyone' })).status).toBe(400)
})
