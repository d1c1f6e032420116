import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeFileBytes } from '../../../tests/support/ingest.ts'
import { MIB, setUp, waitForEmptyStaging } from './uploads.fixtures.ts'

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
  await waitForEmptyStaging(s.world)
})

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
