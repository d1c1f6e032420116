/** The protocol: what a client of tus 1.0.0 may send, and what it is answered. */
import { Upload as TusUpload } from 'tus-js-client'
import { expect, test } from 'vitest'
import { makeFileBytes } from '../../../tests/support/ingest.ts'
import { checksum, MIB, setUp, sha } from './uploads.fixtures.ts'

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
