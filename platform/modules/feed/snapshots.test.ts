import { expect, test } from 'vitest'
import { PART_COUNT, Ranking } from '../../../engines/for-you/index.ts'
import { packSnapshot, unpackSnapshot, type Snapshot } from './snapshots.ts'

const ids = (count: number) =>
  Array.from({ length: count }, (_, n) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`)

function snapshotOf(tagNames: string[], tagAt: number[]): Snapshot {
  const videoIds = ids(3)
  return {
    id: 'one',
    accountId: 'ann',
    rankedAtMs: 1_700_000_000_000,
    ranking: new Ranking({
      videoIds,
      reasons: Uint8Array.of(0, 4, 4),
      parts: Int16Array.from({ length: videoIds.length * PART_COUNT }, (_, at) => at * 100 - 700),
      tagNames,
      tagAt: Uint16Array.from(tagAt),
    }),
    shownBefore: ids(5),
    archive: { publishedAt: '2026-01-01 00:00:00+00', videoId: ids(1)[0]! },
    isLast: true,
  }
}

test.each([
  ['with tags', snapshotOf(['cats', 'Köln'], [0, 2, 1])],
  ['without any', snapshotOf([], [])],
])('a snapshot comes back from the database as it went there: %s', (_, snapshot) => {
  const back = unpackSnapshot(snapshot.id, snapshot.accountId, packSnapshot(snapshot))!
  expect(back).toEqual(snapshot)
  expect(back.ranking.items()).toEqual(snapshot.ranking.items())
})

test('one that another version wrote is as good as gone', () => {
  const head = Buffer.from(
    JSON.stringify({ rankedAtMs: 1, itemCount: 0, tags: [], archive: null, isLast: true }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  expect(unpackSnapshot('one', null, Buffer.concat([length, head]))).toBeNull()
})
