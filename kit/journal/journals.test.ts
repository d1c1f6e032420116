import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { hasRecordsElsewhere, openOwnJournal, takeAbandonedJournals } from './journals.ts'
import type { JournalTrouble } from './segment-files.ts'

const WRITER = join(import.meta.dirname, 'fixtures', 'writer.ts')
const KILLS = 12

/** Runs a writer, under a limit of file sizes in blocks of 1 KiB if given. */
function startWriter(root: string, name: string, options: { most?: number; fileBlocks?: number } = {}) {
  const { most = Infinity, fileBlocks } = options
  const command = `${fileBlocks ? `ulimit -f ${fileBlocks};` : ''} exec "$@"`
  const child = spawn('bash', ['-c', command, 'writer', process.execPath, WRITER, root, name, String(most)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const closed = once(child, 'close')
  const lines = () =>
    output
      .slice(0, output.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
  return {
    lines,
    closed,
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

async function readAbandoned(root: string) {
  const troubles: JournalTrouble[] = []
  const journals = await takeAbandonedJournals({ root, onTrouble: (trouble) => void troubles.push(trouble) })
  const texts: string[] = []
  for (const journal of journals) {
    for await (const { payload } of journal.read()) texts.push(payload.toString().replace(/\.*$/, ''))
    await journal[Symbol.asyncDispose]()
  }
  return { texts, troubles }
}

test('a writer that is killed again and again has on the disk, once and in order, all that it acknowledged', async () => {
  await using dir = await makeTemporaryDir()
  const acknowledged: string[] = []
  for (let kill = 1; kill <= KILLS; kill++) {
    const writer = startWriter(dir.path, String(kill))
    await expect.poll(() => writer.lines().length).toBeGreaterThan(20)
    await sleep(Math.random() * 30)
    await writer.kill()
    acknowledged.push(...writer.lines())
  }

  const { texts, troubles } = await readAbandoned(dir.path)

  expect(troubles.filter(({ kind }) => kind !== 'torn')).toEqual([])
  const found = new Set(texts)
  expect(acknowledged.filter((text) => !found.has(text))).toEqual([])
  const placeOf = (text: string) => {
    const [life, number] = text.split(':').map(Number)
    return life! * 1_000_000 + number!
  }
  const inOrder = texts.toSorted((a, b) => placeOf(a) - placeOf(b))
  expect(texts).toEqual([...new Set(inOrder)])
})

test('a disk that takes no more bytes is a refusal: what was acknowledged before is there, and nothing half', async () => {
  await using dir = await makeTemporaryDir()
  const writer = startWriter(dir.path, 'full', { fileBlocks: 1, most: 500 })
  await writer.closed
  const lines = writer.lines()
  expect(lines.at(-1)).toMatch(/^refused EFBIG/)

  const { texts, troubles } = await readAbandoned(dir.path)
  expect(troubles).toEqual([])
  expect(texts).toEqual(expect.arrayContaining(lines.filter((line) => !line.startsWith('refused'))))
})

test('journals of the living are left alone; those of the dead are taken up, the oldest first', async () => {
  await using dir = await makeTemporaryDir()
  const root = dir.path
  await using living = await openOwnJournal({ root })
  await living.append('of the living')
  const dead = []
  for (const text of ['first', 'second']) {
    const journal = await openOwnJournal({ root })
    await journal.append(text)
    await sleep(2)
    dead.push(journal)
  }
  for (const journal of dead) await journal[Symbol.asyncDispose]()

  const taken = await takeAbandonedJournals({ root }, [living.folder])
  expect(taken.map((journal) => journal.folder)).toEqual(dead.map((journal) => journal.folder))
  expect(await takeAbandonedJournals({ root }, [living.folder])).toEqual([])
  for (const journal of taken) await journal[Symbol.asyncDispose]()
})

test('one knows from outside whether another journal holds records', async () => {
  await using dir = await makeTemporaryDir()
  const root = dir.path
  await using own = await openOwnJournal({ root })
  await using other = await openOwnJournal({ root })
  await own.append('own')
  expect(await hasRecordsElsewhere(root, [own.folder])).toBe(false)
  const sequence = await other.append('of another')
  expect(await hasRecordsElsewhere(root, [own.folder])).toBe(true)
  await other.markDone(sequence)
  expect(await hasRecordsElsewhere(root, [own.folder])).toBe(false)
})

test('a root that is not there has no journals', async () => {
  await using dir = await makeTemporaryDir()
  const root = join(dir.path, 'none')
  expect(await takeAbandonedJournals({ root })).toEqual([])
  expect(await hasRecordsElsewhere(root)).toBe(false)
})
