import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMp4Facts } from './mp4-index.ts'

const run = promisify(execFile)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mp4-index-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function makeFilm(name: string, flags: string[]): Promise<Blob> {
  const path = join(folder, name)
  const source = ['-f', 'lavfi', '-i', 'color=c=teal:s=64x64:r=10:d=1.5']
  await run('ffmpeg', ['-v', 'error', ...source, '-c:v', 'mpeg4', ...flags, path], { timeout: 30_000 })
  return new Blob([await readFile(path)])
}

function box(type: string, ...bodies: (Uint8Array<ArrayBuffer> | number)[]): Uint8Array<ArrayBuffer> {
  const parts = bodies.map((body) => (typeof body === 'number' ? new Uint8Array(body) : body))
  const sizeBytes = 8 + parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(sizeBytes)
  new DataView(bytes.buffer).setUint32(0, sizeBytes)
  bytes.set(new TextEncoder().encode(type), 4)
  let at = 8
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function withSize(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  new DataView(bytes.buffer).setUint32(0, size)
  return bytes
}

test('a film as a camera writes it has its index last, and the range is the whole box', async () => {
  const film = await makeFilm('plain.mp4', [])
  const facts = await readMp4Facts(film)

  expect(facts).toMatchObject({ isIndexLast: true, durationMs: 1500 })
  const head = await film.slice(facts!.index!.offset, facts!.index!.offset + 8).arrayBuffer()
  expect(new TextDecoder().decode(head.slice(4))).toBe('moov')
  expect(facts!.index!.offset + facts!.index!.sizeBytes).toBe(film.size)
})

test('a film prepared for the web has its index first', async () => {
  const facts = await readMp4Facts(await makeFilm('web.mp4', ['-movflags', '+faststart']))
  expect(facts).toMatchObject({ isIndexLast: false, durationMs: 1500 })
})

test('a fragmented film does not say how long it is', async () => {
  const facts = await readMp4Facts(await makeFilm('cut.mp4', ['-movflags', '+frag_keyframe+empty_moov']))
  expect(facts).toMatchObject({ isIndexLast: false, durationMs: null })
})

test('a QuickTime film is read as well', async () => {
  expect(await readMp4Facts(await makeFilm('film.mov', []))).toMatchObject({
    isIndexLast: true,
    durationMs: 1500,
  })
})

test('a 64-bit size, as films over 4 GB have it, is followed', async () => {
  const media = box('mdat', 24)
  const view = new DataView(media.buffer)
  view.setUint32(0, 1)
  view.setBigUint64(8, BigInt(media.length))
  const facts = await readMp4Facts(new Blob([box('ftyp', 8), media, box('moov', 40)]))
  expect(facts?.index).toEqual({ offset: 16 + 32, sizeBytes: 48 })
})

test('media that reach to the end of the file leave no index behind them', async () => {
  const facts = await readMp4Facts(new Blob([box('ftyp', 8), withSize(box('mdat', 64), 0)]))
  expect(facts).toEqual({ index: null, isIndexLast: false, durationMs: null })
})

test('an index that is cut off is no index', async () => {
  const whole = new Blob([box('ftyp', 8), box('mdat', 16), box('moov', 100)])
  const facts = await readMp4Facts(whole.slice(0, whole.size - 1))
  expect(facts).toEqual({ index: null, isIndexLast: true, durationMs: null })
})

test.each([
  ['nothing at all', new Blob([])],
  ['a text', new Blob(['WEBVTT and then some words'])],
  ['a WebM', new Blob([Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 1, 0, 0, 0, 0, 0, 0, 31)])],
  ['a box smaller than its own header', new Blob([withSize(box('ftyp', 16), 7)])],
])('%s is not of this family', async (_name, file) => {
  expect(await readMp4Facts(file)).toBeNull()
})

test('a file of endless small boxes is given up, not followed for ever', async () => {
  let reads = 0
  const many = new Blob([box('ftyp', 8), ...Array.from({ length: 5000 }, () => box('free'))])
  const counted = {
    size: many.size,
    slice: (start: number, end: number) => (reads++, many.slice(start, end)),
  }
  expect((await readMp4Facts(counted))?.index).toBeNull()
  expect(reads).toBeLessThanOrEqual(64)
})
