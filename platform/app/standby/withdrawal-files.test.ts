import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { createLog } from '../../../kit/log.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { appendWithdrawals, FILE_MAX_WITHDRAWALS, setWithdrawalsAside } from './withdrawal-files.ts'
import { decodeWithdrawals, encodeWithdrawal, WITHDRAWAL_BYTES, type Withdrawal } from './withdrawals.ts'
import { openWithdrawn } from './withdrawn.ts'

const latelyIn = (dataDir: string) => join(dataDir, 'standby', 'withdrawn', 'lately')
const log = createLog({ level: 'silent', base: {} })

const hiding = (position = 1n, videoId = uuidv7()): Withdrawal & { videoId: string } => ({
  kind: 'hidden',
  videoId,
  stamp: { xid: 700n + position, position },
})

test('each kind of withdrawal is read as it was written, with numbers as large as the database has', () => {
  const stamp = { xid: 2n ** 64n - 1n, position: 2n ** 63n }
  const withdrawals: Withdrawal[] = [
    { kind: 'deleted', videoId: uuidv7(), stamp },
    { kind: 'hidden', videoId: uuidv7(), stamp },
    { kind: 'shown', videoId: uuidv7(), stamp: { xid: 3n, position: 0n } },
    { kind: 'blocked', accountId: uuidv7(), subjectId: uuidv7(), stamp },
    { kind: 'unblocked', accountId: uuidv7(), subjectId: uuidv7(), stamp },
  ]
  expect(decodeWithdrawals(Buffer.concat(withdrawals.map(encodeWithdrawal)))).toEqual(withdrawals)
})

test('wherever a power cut ends one, all others are read', () => {
  const [before, torn, after] = [hiding(), hiding(), hiding()].map(encodeWithdrawal)
  for (let kept = 0; kept < WITHDRAWAL_BYTES; kept++) {
    const found = decodeWithdrawals(Buffer.concat([before!, torn!.subarray(0, kept), after!]))
    expect(found.map(encodeWithdrawal)).toEqual([before, after])
  }
  const flipped = Buffer.from(before!)
  flipped[20]! ^= 1
  expect(decodeWithdrawals(Buffer.concat([flipped, Buffer.alloc(100), after!]))).toHaveLength(1)
})

test('what is appended while another process sets files aside and removes them is in one of them', async () => {
  await using dir = await makeTemporaryDir()
  const all = Array.from({ length: 60 }, () => hiding())
  const read = new Set<string>()
  let isDone = false
  const appending = Promise.all(
    [0, 1, 2].map(async (writer) => {
      for (const each of all.filter((_, at) => at % 3 === writer)) await appendWithdrawals(dir.path, [each])
    }),
  ).then(() => (isDone = true))
  for (let isLast = false; ;) {
    isLast = isDone
    const aside = await setWithdrawalsAside(dir.path)
    for (const each of aside?.withdrawals ?? []) read.add(encodeWithdrawal(each).toString('hex'))
    await aside?.remove()
    if (isLast && !aside) break
  }
  await appending
  expect(read.size).toBe(all.length)
})

test('what was set aside is read as what was not, and nothing more is set aside before it is removed', async () => {
  await using dir = await makeTemporaryDir()
  const [first, second] = [hiding(), hiding()]
  await appendWithdrawals(dir.path, [first])
  await setWithdrawalsAside(dir.path)
  await appendWithdrawals(dir.path, [second])
  const aside = (await setWithdrawalsAside(dir.path))!
  expect(aside.withdrawals).toEqual([first])
  const withdrawn = openWithdrawn({ dataDir: dir.path, log })
  await withdrawn.refresh()
  expect([first, second].map(({ videoId }) => withdrawn.goneKind(videoId, 0n))).toEqual(['hidden', 'hidden'])
  await aside.remove()
  expect((await setWithdrawalsAside(dir.path))!.withdrawals).toEqual([second])
})

test('the later of two counts, in whatever order they are read, until the rules have its transaction', async () => {
  const { videoId } = hiding()
  const shown: Withdrawal = { kind: 'shown', videoId, stamp: { xid: 710n, position: 12n } }
  const again: Withdrawal = { kind: 'hidden', videoId, stamp: { xid: 709n, position: 13n } }
  const kindAfter = async (...withdrawals: Withdrawal[]) => {
    await using place = await makeTemporaryDir()
    await appendWithdrawals(place.path, withdrawals)
    const withdrawn = openWithdrawn({ dataDir: place.path, log })
    await withdrawn.refresh()
    return [709n, 710n].map((rulesXid) => withdrawn.goneKind(videoId, rulesXid))
  }
  expect(await kindAfter(hiding(11n, videoId), shown)).toEqual([null, null])
  expect(await kindAfter(shown, hiding(11n, videoId))).toEqual([null, null])
  expect(await kindAfter(again, shown)).toEqual(['hidden', null])
})

test('a file takes as many as it may hold, and not one more', async () => {
  await using dir = await makeTemporaryDir()
  await appendWithdrawals(dir.path, [hiding()])
  await truncate(latelyIn(dir.path), (FILE_MAX_WITHDRAWALS - 1) * WITHDRAWAL_BYTES)
  await appendWithdrawals(dir.path, [hiding()])
  await expect(appendWithdrawals(dir.path, [hiding()])).rejects.toThrow('as it may have')
  // Damage is no reason to read for ever.
  expect((await setWithdrawalsAside(dir.path))!.withdrawals).toHaveLength(2)
})

test('while what is on disk can not be read nobody claims to know it', async () => {
  await using dir = await makeTemporaryDir()
  await mkdir(join(dir.path, 'standby'), { recursive: true })
  await writeFile(join(dir.path, 'standby', 'withdrawn'), 'not a folder')
  const unread = openWithdrawn({ dataDir: dir.path, log })
  await unread.refresh()
  expect(unread.isKnown).toBe(false)

  await using empty = await makeTemporaryDir()
  const none = openWithdrawn({ dataDir: empty.path, log })
  await none.refresh()
  expect(none.isKnown).toBe(true)
})
