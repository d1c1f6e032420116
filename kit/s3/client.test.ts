import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startFakeS3, type FakeS3 } from '../../tests/support/fake-s3.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openS3 } from './index.ts'

const never = new AbortController().signal

const openAt = (far: FakeS3) => openS3({ ...far, partBytes: 100, pauseMs: 1 })

async function textAt(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

test('what is put is there to be got, found, listed over several pages, and removed', async () => {
  await using far = await startFakeS3()
  const s3 = openAt(far)
  for (const name of ['1', '2', '3', '4', '5', 'ü & (6)'])
    await s3.put(`of/${name}`, Buffer.from(name), never)
  await s3.put('other', Buffer.alloc(0), never)

  expect(await textAt(s3.get('of/4'))).toBe('4')
  expect(await textAt(s3.get('other'))).toBe('')
  expect([await s3.has('of/ü & (6)'), await s3.has('of/7')]).toEqual([true, false])
  const keys: string[] = []
  for await (const { key } of s3.list('of/')) keys.push(key)
  expect(keys).toEqual(['of/1', 'of/2', 'of/3', 'of/4', 'of/5', 'of/ü & (6)'])
  await s3.remove('of/4')
  await expect(textAt(s3.get('of/4'))).rejects.toMatchObject({ status: 404 })
})

test.each([0, 1, 99, 100, 101, 200, 1_234])('a file of %i bytes arrives as it is', async (sizeBytes) => {
  await using far = await startFakeS3()
  await using dir = await makeTemporaryDir()
  const bytes = randomBytes(sizeBytes)
  await writeFile(join(dir.path, 'file'), bytes)
  await openAt(far).putFile('a file', join(dir.path, 'file'), never)
  expect(far.objects.get('a file')).toEqual(bytes)
  expect(far.unfinishedCount).toBe(0)
  expect(far.requests.length === 1).toBe(sizeBytes <= 100)
})

test('whoever has another secret, or no such bucket, is told what the service says', async () => {
  await using far = await startFakeS3()
  const stranger = openS3({ ...far, credentials: { ...far.credentials, secretKey: 'guessed' } })
  await expect(stranger.put('a', Buffer.from('a'), never)).rejects.toThrow(/403: SignatureDoesNotMatch/)
  const elsewhere = openS3({ ...far, bucket: 'elsewhere' })
  await expect(elsewhere.put('a', Buffer.from('a'), never)).rejects.toThrow(/404: NoSuchBucket/)
  expect(far.objects.size).toBe(0)
})

test('what passes is tried again, four times at most; what does not is not', async () => {
  await using far = await startFakeS3()
  const s3 = openAt(far)
  let left = 3
  far.trouble = () => (left-- > 0 ? (left % 2 === 0 ? 503 : 'break off') : null)
  await s3.put('a', Buffer.from('a'), never)
  expect(far.requests).toHaveLength(4)
  left = 4
  await expect(s3.put('b', Buffer.from('b'), never)).rejects.toMatchObject({ isPassing: true })
  expect([far.requests.length, far.objects.has('b')]).toEqual([8, false])
})

test('a file that fails half-way leaves nothing, and what a death left is given up', async () => {
  await using far = await startFakeS3()
  await using dir = await makeTemporaryDir()
  const s3 = openAt(far)
  await writeFile(join(dir.path, 'file'), randomBytes(1_000))
  far.trouble = (request) => (request.includes('partNumber=7') ? 503 : null)
  await expect(s3.putFile('file', join(dir.path, 'file'), never)).rejects.toThrow(/SlowDown/)
  expect([far.objects.size, far.unfinishedCount]).toEqual([0, 0])

  // As if it had died: its last words do not arrive either.
  far.trouble = (request) => (/partNumber=7|^DELETE/.test(request) ? 503 : null)
  await expect(s3.putFile('file', join(dir.path, 'file'), never)).rejects.toThrow()
  expect(far.unfinishedCount).toBe(1)
  far.trouble = () => null
  await s3.removeUnfinished('')
  expect(far.unfinishedCount).toBe(0)
})

test('a cancelled upload ends at once', async () => {
  await using far = await startFakeS3()
  await expect(
    openAt(far).put('a', Buffer.from('a'), AbortSignal.abort(new Error('enough'))),
  ).rejects.toThrow('enough')
  expect(far.requests).toEqual([])
})

test('a key that would lead to another object is neither listed nor asked for', async () => {
  await using far = await startFakeS3()
  const s3 = openAt(far)
  await s3.put('others/1', Buffer.from('theirs'), never)
  far.objects.set('ours/../others/1', Buffer.from('bait'))
  far.objects.set('ours/..name', Buffer.from('ours'))

  const keys: string[] = []
  for await (const { key } of s3.list('ours/')) keys.push(key)

  expect(keys).toEqual(['ours/..name'])
  await expect(s3.remove('ours/../others/1')).rejects.toThrow(/it would name another object/)
  await expect(textAt(s3.get('ours/./1'))).rejects.toThrow(/it would name another object/)
  expect(far.objects.has('others/1')).toBe(true)
})

/** A service that gives the same answer to whatever is asked. */
async function startParrot(status: number, body: string): Promise<AsyncDisposable & { endpoint: string }> {
  const server = createServer((_request, response) => response.writeHead(status).end(body)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const openParrot = ({ endpoint }: { readonly endpoint: string }) =>
  openS3({
    ...{ endpoint, region: 'eu-test-1', bucket: 'kept', pauseMs: 1 },
    credentials: { accessKey: 'AKTEST', secretKey: 'secret' },
  })

test('a service that lists the same page again and again is not listened to for ever', async () => {
  await using parrot = await startParrot(
    200,
    '<R><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></R>',
  )
  await expect(Array.fromAsync(openParrot(parrot).list(''))).rejects.toThrow(/same page again/)
})

test('of a refusal that goes on and on nothing is kept', async () => {
  await using parrot = await startParrot(403, `<Error><Code>Denied</Code>${' '.repeat(1_000_000)}</Error>`)
  await expect(openParrot(parrot).put('a', Buffer.from('a'), never)).rejects.toThrow(/answered by 403$/)
})
