import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Upload as TusUpload } from 'tus-js-client'
import { expect, test } from 'vitest'
import { makeFileBytes, startIngest, type TestIngest, type TusClient } from '../../../tests/support/ingest.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { problemKinds } from '../../app/errors.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { deleteVideo, recordFailure } from '../videos/index.ts'
import { MAX_OPEN_UPLOADS } from './limits.ts'

const MIB = 1024 * 1024
const DAY_MS = 24 * 3_600_000

const sha = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest()
const checksum = (algorithm: string, bytes: Buffer) => ({
  'upload-checksum': `${algorithm} ${sha(algorithm, bytes).toString('base64')}`,
})

async function eventually<T>(look: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 250; i++) {
    const value = await look()
    if (isThere(value)) return value
    await sleep(20)
  }
  throw new Error(`It stayed at ${JSON.stringify(await look())}.`)
}

/** Waits until so many bytes lie in the staged file. */
async function waitForStaged(world: World, path: string, sizeBytes: number): Promise<void> {
  const file = join(world.config.paths.staging, `${path.split('/').at(-1)}.bytes`)
  const sizeOf = () =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    )
  await eventually(sizeOf, (size) => size >= sizeBytes)
}

const stored = (world: World, videoId: string) => world.ctx.blobs.readAll(`originals/${videoId}/original`)

async function setUp(options: Parameters<typeof createWorld>[0] = {}) {
  const stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld(options))
  const ingest = stack.use(await startIngest(world.ctx))
  const account = await world.account()
  return {
    world,
    ingest,
    account,
    client: ingest.as(account),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A PATCH whose body is sent by hand, so that it can hang or be cut. */
function openPatch(ingest: TestIngest, client: TusClient, path: string, offset: number, length: number) {
  const request = httpRequest(`${ingest.url}${path}`, {
    method: 'PATCH',
    headers: {
      ...client.headers,
      'upload-offset': offset,
      'content-type': 'application/offset+octet-stream',
      'content-length': length,
    },
  })
  request.on('error', () => {})
  const response = once(request, 'response').then(async ([message]: IncomingMessage[]) => {
    const chunks: Buffer[] = []
    for await (const chunk of message!) chunks.push(chunk as Buffer)
    return { status: message!.statusCode!, body: Buffer.concat(chunks).toString() }
  })
  response.catch(() => {})
  return { request, response }
}

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
  const original = await eventually(() => stored(world, receipt.videoId), Boolean)
  expect(bytes.equals(original!)).toBe(true)
  const leaves = await world.ctx.blobs.readAll(`originals/${receipt.videoId}/leaves`)
  const expected = [0, 4, 8].map((mib) => sha('sha256', bytes.subarray(mib * MIB, (mib + 4) * MIB)))
  expect(Buffer.concat(expected).equals(leaves!)).toBe(true)
  await eventually(
    () => readdir(world.config.paths.staging),
    (names) => names.length === 0,
  )
  expect(await client.offset(path)).toBe(bytes.length)
  const job = await world.ctx.pool.query(`select data from pgboss.job where name = 'first-playable'`)
  expect(job.rows).toEqual([{ data: { videoId: receipt.videoId, accountId: s.account.id } }])
})

test('tus-js-client, as the web app uses it, uploads, is cut off, and resumes where it was', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(3 * MIB)
  const options = {
    endpoint: `${s.ingest.url}/uploads`,
    headers: { ...s.account.headers },
    metadata: { filename: 'clip.mp4', filetype: 'video/mp4' },
    chunkSize: MIB,
    retryDelays: null,
  }
  const firstUrl = await new Promise<string>((resolve, reject) => {
    const upload: TusUpload = new TusUpload(bytes, {
      ...options,
      onError: reject,
      onChunkComplete: (_size, accepted) => {
        if (accepted === 2 * MIB) void upload.abort().then(() => resolve(upload.url!))
      },
    })
    upload.start()
  })
  expect(await s.client.offset(new URL(firstUrl).pathname)).toBe(2 * MIB)

  const sent: number[] = []
  await new Promise<void>((resolve, reject) => {
    new TusUpload(bytes, {
      ...options,
      uploadUrl: firstUrl,
      onError: reject,
      onSuccess: () => resolve(),
      onChunkComplete: (size) => sent.push(size),
    }).start()
  })
  expect(sent).toEqual([MIB])
  expect(await s.client.receipt(new URL(firstUrl).pathname)).toMatchObject({
    state: 'safe',
    sha256: sha('sha256', bytes).toString('hex'),
  })
})

test('creation with upload takes the first bytes along', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(1000)
  const answer = await s.client.send(
    'POST',
    '/uploads',
    {
      'upload-length': '1000',
      'upload-metadata': `filename ${Buffer.from('a.mp4').toString('base64')}`,
      'content-type': 'application/offset+octet-stream',
    },
    bytes.subarray(0, 600),
  )
  expect([answer.status, answer.headers.get('upload-offset')]).toEqual([201, '600'])
  const path = answer.headers.get('location')!
  expect((await s.client.patch(path, 600, bytes.subarray(600))).status).toBe(204)
  expect((await s.client.receipt(path)).state).toBe('safe')
})

test('bytes that do not follow, or are too many, are refused and change nothing', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(1000)
  const path = await s.client.start(1000)
  await s.client.patch(path, 0, bytes.subarray(0, 400))
  for (const offset of [0, 399, 401, 1000]) {
    const conflict = await s.client.patch(path, offset, bytes.subarray(0, 10))
    expect(conflict.headers.get('upload-offset')).toBe('400')
    expect(await conflict.json()).toMatchObject({
      status: 409,
      code: 'upload-offset-conflict',
      isWorkKept: true,
      facts: { receivedBytes: 400, offset },
    })
  }
  expect(await (await s.client.patch(path, 400, bytes.subarray(0, 601))).json()).toMatchObject({
    code: 'body-too-large',
    facts: { maxBytes: 600 },
  })
  const unsaid = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 601))
      controller.close()
    },
  })
  expect((await s.client.patch(path, 400, unsaid)).status).toBe(413)
  expect(await s.client.offset(path)).toBe(400)
})

test.each(['sha1', 'sha256', 'md5'])(
  'a %s that fits lets the part in; one that does not keeps nothing of it',
  async (name) => {
    await using s = await setUp()
    const bytes = makeFileBytes(6 * MIB)
    const path = await s.client.start(bytes.length)
    const [first, second] = [bytes.subarray(0, 5 * MIB), bytes.subarray(5 * MIB)]
    expect((await s.client.patch(path, 0, first, checksum(name, first))).status).toBe(204)

    const damaged = Buffer.from(second)
    damaged[77]! ^= 1
    const refused = await s.client.patch(path, first.length, damaged, checksum(name, second))
    expect(await refused.json()).toMatchObject({
      status: 460,
      code: 'upload-checksum-mismatch',
      isWorkKept: true,
    })
    expect(await s.client.offset(path)).toBe(first.length)

    expect((await s.client.patch(path, first.length, second, checksum(name, second))).status).toBe(204)
    expect((await s.client.receipt(path)).sha256).toBe(sha('sha256', bytes).toString('hex'))
  },
)

test('a checksum of an unknown kind, or of the wrong length, is refused before a byte is kept', async () => {
  await using s = await setUp()
  const path = await s.client.start(10)
  for (const value of ['crc32 AAAAAA==', 'sha1 AAAA', 'sha1']) {
    const answer = await s.client.patch(path, 0, Buffer.alloc(10), { 'upload-checksum': value })
    expect(await answer.json()).toMatchObject({ status: 400, code: 'invalid-input' })
  }
  expect(await s.client.offset(path)).toBe(0)
})

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
  expect(bytes.equals((await eventually(() => stored(world, receipt.videoId), Boolean))!)).toBe(true)
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
  expect(bytes.equals((await eventually(() => stored(world, videoId), Boolean))!)).toBe(true)
  await eventually(
    () => readdir(world.config.paths.staging),
    (names) => names.length === 0,
  )
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
    expect(bytes.equals((await eventually(() => stored(s.world, receipt.videoId), Boolean))!)).toBe(true)
  },
)

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
  await eventually(
    () => readdir(s.world.config.paths.staging),
    (names) => names.length === 0,
  )
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
  await eventually(
    () => readdir(world.config.paths.staging),
    (names) => names.length === 0,
  )
  const told = await world.ctx.db.selectFrom('notification').select(['kind', 'upload_id']).execute()
  expect(told).toEqual([{ kind: 'upload-failed', upload_id: receipt.id }])
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

test('an index that was sent ahead is kept with its place; one that is too large or out of the file is refused', async () => {
  await using s = await setUp()
  const bytes = makeFileBytes(1000)
  bytes.writeUInt32BE(100, 900)
  bytes.write('moov', 904)
  const path = await s.client.start(bytes.length)
  const put = (offset: string, body: Buffer<ArrayBuffer>) =>
    s.client.send('PUT', `${path}/index`, { 'upload-index-offset': offset }, body)
  expect((await put('900', bytes.subarray(900))).status).toBe(204)
  const id = path.split('/').at(-1)!
  const index = await readFile(join(s.world.config.paths.staging, `${id}.index`))
  expect(index.equals(bytes.subarray(900))).toBe(true)
  expect(await (await put('901', bytes.subarray(900))).json()).toMatchObject({ status: 413 })
  expect((await put('2000', Buffer.from('x'))).status).toBe(413)
  expect((await put('-1', Buffer.from('x'))).status).toBe(400)
  expect((await put('0', Buffer.alloc(0))).status).toBe(400)
  expect((await s.client.patch(path, 0, bytes)).status).toBe(204)
  await eventually(
    () => readdir(s.world.config.paths.staging),
    (names) => names.length === 0,
  )
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

test('protocol errors have the answers that tus 1.0.0 asks for', async () => {
  await using s = await setUp()
  const path = await s.client.start(100)
  const options = await s.client.send('OPTIONS', '/uploads')
  expect(options.status).toBe(204)
  expect(Object.fromEntries(options.headers)).toMatchObject({
    'tus-version': '1.0.0',
    'tus-extension': 'creation,creation-with-upload,termination,checksum',
    'tus-checksum-algorithm': 'sha1,sha256,md5',
    'tus-max-size': String(s.world.config.uploads.maxSizeBytes),
  })
  const version = await s.client.send('HEAD', path, { 'tus-resumable': '0.2.2' })
  expect([version.status, version.headers.get('tus-version')]).toEqual([412, '1.0.0'])
  const status = async (answer: Promise<Response>) => (await answer).status
  expect(await status(s.client.patch(path, 0, 'x', { 'content-type': 'text/plain' }))).toBe(415)
  expect(await status(s.client.patch(path, 0, 'x', { 'upload-offset': '-1' }))).toBe(400)
  expect(await status(s.client.send('POST', '/uploads', { 'upload-defer-length': '1' }))).toBe(400)
  expect(await status(s.client.send('POST', '/uploads', { 'upload-length': '1e3' }))).toBe(400)
  expect(await status(s.client.create(10, {}, { 'upload-metadata': 'filename YQ==,filename YQ==' }))).toBe(
    400,
  )
  expect(await status(s.client.create(10, {}, { 'upload-metadata': 'filename not*base64' }))).toBe(400)
  const overridden = await s.client.send(
    'POST',
    path,
    {
      'x-http-method-override': 'PATCH',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    makeFileBytes(100),
  )
  expect(overridden.status).toBe(204)
  const head = await s.client.send('HEAD', path)
  expect(Object.fromEntries(head.headers)).toMatchObject({
    'upload-offset': '100',
    'upload-length': '100',
    'upload-metadata': `filename ${Buffer.from('clip.mp4').toString('base64')}`,
    'cache-control': 'no-store',
  })
})

async function mountSmallDisk(dir: string, size: string): Promise<AsyncDisposable> {
  const run = promisify(execFile)
  await mkdir(dir, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir])
  // Lazily: a file may still be open when the test has failed.
  return { [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', dir])) }
}

test('an index sent ahead is one, of eight mebibytes at most, and few are received at once', async () => {
  await using s = await setUp()
  const path = await s.client.start(100 * MIB)
  const put = (body: RequestInit['body']) =>
    s.client.send('PUT', `${path}/index`, { 'upload-index-offset': '1000' }, body)
  const makeIndex = (sizeBytes: number) => {
    const bytes = Buffer.alloc(sizeBytes)
    bytes.writeUInt32BE(sizeBytes)
    bytes.write('moov', 4)
    return bytes
  }

  expect((await put(makeIndex(8 * MIB))).status).toBe(204)
  // The connection may end before the answer is read: what counts is that it was not taken.
  expect((await put(makeIndex(8 * MIB + 1)).catch(() => null))?.status).not.toBe(204)
  for (const wrong of [makeFileBytes(5000), makeIndex(5000).subarray(0, 4999), Buffer.alloc(0)])
    expect(await (await put(wrong)).json()).toMatchObject({ code: 'invalid-input' })

  const ending = new AbortController()
  const endless = () =>
    httpRequest(`${s.ingest.url}${path}/index`, {
      method: 'PUT',
      headers: { ...s.client.headers, 'upload-index-offset': '1000', 'content-length': '5000' },
      signal: ending.signal,
    })
  const slow = Array.from({ length: 8 }, endless)
  for (const request of slow) request.on('error', () => {}).write('x')
  const answer = await eventually(
    async () => put(makeIndex(5000)),
    ({ status }) => status !== 204,
  )
  expect(await answer.json()).toMatchObject({ code: 'busy', isWorkKept: true })
  ending.abort()
  expect(
    (
      await eventually(
        () => put(makeIndex(5000)),
        ({ status }) => status === 204,
      )
    ).status,
  ).toBe(204)
})
