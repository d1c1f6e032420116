import { cp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { crc32c } from './crc32c.ts'
import { JournalFullError, JournalInUseError, JournalUnwritableError } from './errors.ts'
import { openJournal, type Journal, type JournalOptions } from './journal.ts'
import type { JournalTrouble } from './segment-files.ts'
import { encodeHeader, HEADER_BYTES } from './segment-format.ts'

const read = async (journal: Journal) => {
  const found = []
  for await (const record of journal.read()) found.push(record.payload.toString())
  return found
}
const segmentsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith('.segment')).map((name) => join(folder, name))
/** The disk as it is at this moment, as a process finds it after the other's death. */
async function imageOf(journal: Journal): Promise<string> {
  const image = `${journal.folder}-image`
  await rm(image, { recursive: true, force: true })
  await cp(journal.folder, image, { recursive: true, filter: (path) => !path.endsWith('lock') })
  return image
}
async function openWithTroubles(options: JournalOptions) {
  const troubles: JournalTrouble[] = []
  const journal = await openJournal({ ...options, onTrouble: (trouble) => void troubles.push(trouble) })
  return { journal, troubles }
}

test('what was acknowledged is read after a death, in order, and can be added to', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j') })
  await Promise.all(['one', 'two', 'three'].map((text) => journal.append(text)))

  await using again = await openJournal({ folder: await imageOf(journal) })
  expect(again.pendingCount).toBe(3)
  await again.append('four')
  expect(await read(again)).toEqual(['one', 'two', 'three', 'four'])
})

test('appends in one breath, from whichever caller, keep their order over many segments', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), segmentBytes: 500 })
  const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`)
  for (let at = 0; at < texts.length; at += 30)
    await Promise.all(texts.slice(at, at + 30).map((text) => journal.append(text)))

  expect(await read(journal)).toEqual(texts)
  expect((await segmentsIn(journal.folder)).length).toBeGreaterThan(5)
})

test('a journal has one writer', async () => {
  await using dir = await makeTemporaryDir()
  const folder = join(dir.path, 'j')
  {
    await using journal = await openJournal({ folder })
    await journal.append('one')
    await expect(openJournal({ folder })).rejects.toThrow(JournalInUseError)
  }
  await using next = await openJournal({ folder })
  expect(await read(next)).toEqual(['one'])
})

test('what is done is not read again, also after a death, and its segments are removed', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), segmentBytes: 200 })
  const sequences = []
  for (let i = 0; i < 40; i++) sequences.push(await journal.append(`text ${i}`))
  const before = await segmentsIn(journal.folder)

  await journal.markDone(sequences[25]!)

  expect(await read(journal)).toEqual(Array.from({ length: 14 }, (_, i) => `text ${i + 26}`))
  expect((await segmentsIn(journal.folder)).length).toBeLessThan(before.length)
  await using again = await openJournal({ folder: await imageOf(journal) })
  expect(again.pendingCount).toBe(14)
  expect((await read(again))[0]).toBe('text 26')
})

test('a journal in which all is done has no record left on the disk, and takes the next', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), segmentBytes: 200 })
  for (let i = 0; i < 20; i++) await journal.markDone(await journal.append(`text ${i}`))
  const sizes = await Promise.all(
    (await segmentsIn(journal.folder)).map(async (path) => (await stat(path)).size),
  )
  expect(sizes).toEqual([HEADER_BYTES])
  await journal.append('last')
  await using again = await openJournal({ folder: await imageOf(journal) })
  expect(await read(again)).toEqual(['last'])
})

test('who reads, notes the end and closes the journal in one go meets nothing that is gone', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), segmentBytes: 100 })
  for (let i = 0; i < 20; i++) await journal.append(`text ${i}`)
  // Opened and left several times, as by processes that die early: empty segments come last.
  let folder = await imageOf(journal)
  for (let death = 0; death < 3; death++) {
    await using opened = await openJournal({ folder })
    folder = await imageOf(opened)
  }
  await using last = await openJournal({ folder })
  let count = 0
  for await (const { sequence } of last.read()) {
    count += 1
    await last.markDone(sequence)
    if (last.pendingCount === 0) await last[Symbol.asyncDispose]()
  }
  expect(count).toBe(20)
})

test('a journal in which nothing waits leaves no folder', async () => {
  await using dir = await makeTemporaryDir()
  const journal = await openJournal({ folder: join(dir.path, 'j') })
  await journal.markDone(await journal.append('one'))
  await journal[Symbol.asyncDispose]()
  expect(await readdir(dir.path)).toEqual([])
  await expect(journal.append('two')).rejects.toThrow(JournalUnwritableError)
})

test('cut off at any byte, a journal opens with what is whole, says what it cut, and goes on', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j') })
  const ends = [HEADER_BYTES]
  for (const text of ['one', 'two']) {
    await journal.append(text)
    ends.push(journal.sizeBytes)
  }
  for (let length = 0; length <= journal.sizeBytes; length++) {
    const folder = await imageOf(journal)
    await truncate((await segmentsIn(folder))[0]!, length)
    const { journal: cut, troubles } = await openWithTroubles({ folder })
    await using _ = cut
    const whole = ends.filter((end) => end <= length).length - 1
    await cut.append('after')
    expect(await read(cut)).toEqual([...['one', 'two'].slice(0, Math.max(0, whole)), 'after'])
    const isTorn = length > HEADER_BYTES && !ends.includes(length)
    expect(troubles.map((trouble) => trouble.kind)).toEqual(isTorn ? ['torn'] : [])
  }
})

test('a record that went bad in the middle is kept aside and counted, and what is behind it is read', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j') })
  const starts = []
  for (let i = 0; i < 10; i++) {
    starts.push(journal.sizeBytes)
    await journal.append(`text ${i}`)
  }
  for (let hit = 0; hit < 9; hit++) {
    const folder = await imageOf(journal)
    const [path] = await segmentsIn(folder)
    const bytes = await readFile(path!)
    bytes[starts[hit]! + 22]! ^= 0x10
    await writeFile(path!, bytes)

    const { journal: found, troubles } = await openWithTroubles({ folder })
    await using _ = found
    expect(await read(found)).toEqual(
      Array.from({ length: 10 }, (_, i) => `text ${i}`).filter((_, i) => i !== hit),
    )
    const [trouble] = troubles
    expect(trouble).toMatchObject({ kind: 'bad', missing: hit === 0 ? null : 1 })
    const aside = await readFile(trouble?.kind === 'bad' ? trouble.asidePath : '')
    expect(aside).toEqual(bytes.subarray(starts[hit], starts[hit + 1]))
  }
})

test('a bad last record, and a bad header, are kept aside too', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j') })
  for (const text of ['one', 'two']) await journal.append(text)
  const folder = await imageOf(journal)
  const [path] = await segmentsIn(folder)
  const bytes = await readFile(path!)
  bytes[bytes.length - 1]! ^= 1
  bytes[9]! ^= 1
  await writeFile(path!, bytes)

  const { journal: found, troubles } = await openWithTroubles({
    folder,
    asideFolder: join(dir.path, 'aside'),
  })
  await using _ = found
  expect(await read(found)).toEqual(['one'])
  expect(troubles.map((trouble) => trouble.kind)).toEqual(['bad', 'bad'])
  expect(await readdir(join(dir.path, 'aside'))).toHaveLength(2)
})

test('what a newer version wrote is moved aside whole', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j') })
  await journal.append('one')
  const folder = await imageOf(journal)
  const [path] = await segmentsIn(folder)
  const header = encodeHeader({ firstSequence: 1, salt: Buffer.alloc(8) })
  header[7] = 2
  header.writeUInt32LE(crc32c(header.subarray(0, 28)), 28)
  const bytes = Buffer.concat([header, Buffer.from('whatever it means')])
  await writeFile(path!, bytes)

  const { journal: found, troubles } = await openWithTroubles({ folder })
  await using _ = found
  expect(await read(found)).toEqual([])
  const [trouble] = troubles
  expect(await readFile(trouble?.kind === 'newer' ? trouble.asidePath : '')).toEqual(bytes)
})

test('a full journal refuses, keeps what it has, and takes again when something is done', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), segmentBytes: 100, maxBytes: 400 })
  const kept: number[] = []
  const fill = async () => {
    for (;;) kept.push(await journal.append('x'.repeat(30)))
  }
  await expect(fill()).rejects.toThrow(JournalFullError)
  expect(journal.sizeBytes).toBeLessThanOrEqual(400)
  expect(await read(journal)).toHaveLength(kept.length)

  await journal.markDone(kept[3]!)
  await journal.append('fits')
  expect((await read(journal)).at(-1)).toBe('fits')
})

test('of appends in one breath to a journal that is nearly full, no more are taken than fit', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), maxBytes: HEADER_BYTES + 3 * 50 })
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => journal.append('x'.repeat(30))))
  expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(3)
  expect(journal.sizeBytes).toBe(journal.maxBytes)
  expect(journal.isWritable).toBe(false)
})

test('a record larger than allowed is refused at the edge', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openJournal({ folder: join(dir.path, 'j'), recordMaxBytes: 10 })
  await journal.append('x'.repeat(10))
  await expect(journal.append('x'.repeat(11))).rejects.toThrow(RangeError)
})

test('while the folder takes no new file appends are refused, and a probe finds out when it does again', async () => {
  await using dir = await makeTemporaryDir()
  const folder = join(dir.path, 'j')
  await using journal = await openJournal({ folder, segmentBytes: 60 })
  await journal.append('x'.repeat(40))
  // The next record would begin a new segment.
  await rename(folder, `${folder}-away`)
  await expect(journal.append('two')).rejects.toThrow(JournalUnwritableError)
  expect(journal.isWritable).toBe(false)
  expect(await journal.probe()).toBe(false)

  await rename(`${folder}-away`, folder)
  expect(await journal.probe()).toBe(true)
  await journal.append('three')
  expect(await read(journal)).toEqual(['x'.repeat(40), 'three'])
})

test('a folder that can not be made is an error at once', async () => {
  await using dir = await makeTemporaryDir()
  await writeFile(join(dir.path, 'file'), '')
  await expect(openJournal({ folder: join(dir.path, 'file', 'j') })).rejects.toThrow(/ENOTDIR/)
})
