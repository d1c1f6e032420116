import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOwnJournal, takeAbandonedJournals } from '../../../kit/journal/index.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { copyIfAsked, holdJournalCopies } from './journal-copies.ts'

const openIn = (root: string) =>
  openOwnJournal({ root, segmentBytes: 100, beforeRemoval: (path) => copyIfAsked(root, path) })

/** What a process finds that starts on these copies, in the order in which it does it. */
async function textsIn(root: string): Promise<string[]> {
  const texts: string[] = []
  for (const journal of await takeAbandonedJournals({ root })) {
    for await (const { payload } of journal.read()) texts.push(payload.toString())
    await journal[Symbol.asyncDispose]()
  }
  return texts
}

test('what is done between the hold and the look is in the copies, before what came after it', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openIn(dir.path)
  await journal.append('done before the hold').then((sequence) => journal.markDone(sequence))
  await using copies = await holdJournalCopies(dir.path)
  for (const text of ['one', 'two']) await journal.append(text).then((sequence) => journal.markDone(sequence))
  await journal.append('three')

  await copies.take()
  await journal.append('after the look').then((sequence) => journal.markDone(sequence))

  expect(await textsIn(copies.folder)).toEqual(['one', 'two', 'three'])
})

test('every segment is copied, those of the dead included, and the journals themselves are left alone', async () => {
  await using dir = await makeTemporaryDir()
  await using dead = await openIn(dir.path)
  await using journal = await openIn(dir.path)
  for (let n = 0; n < 8; n++) await dead.append(`a text of the dead ${n}`)
  await journal.append('of the living')
  {
    await using copies = await holdJournalCopies(dir.path)
    await copies.take()
    expect(await textsIn(copies.folder)).toHaveLength(9)
  }
  expect([dead.pendingCount, journal.pendingCount]).toEqual([8, 1])
  expect((await readdir(dir.path)).filter((name) => name.startsWith('.'))).toEqual([])
})

test('nothing is copied for a backup that died a minute ago', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openIn(dir.path)
  await using copies = await holdJournalCopies(dir.path)
  const lease = join(copies.folder, '..', 'lease')
  const ago = (ms: number) => new Date(Date.now() - ms)
  await utimes(lease, ago(0), ago(60_000))
  await journal.markDone(await journal.append('one'))
  expect(await readdir(copies.folder)).toEqual([])
  await utimes(lease, ago(0), ago(50_000))
  await journal.markDone(await journal.append('two'))
  expect(await readdir(copies.folder)).toHaveLength(1)
})
