/**
 * Who was counted already, in memory: the table of reports then only grows at its end, and a report costs the disk its own
 * bytes. With the disk's index a surge rewrites a page for each reporter, which took five times as long.
 */
import type { WatchCtx } from '../../app/context.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'

export interface CountedReporters {
  /**
   * Has `keep` write the report unless this reporter (see ReporterHash) was counted. Answers false when they were: only
   * once that report is on the disk. When `keep` fails they are not counted.
   */
  countOnce(reporter: string, keep: () => Promise<unknown>): Promise<boolean>
}

/** Some 60 MB. Beyond so many within a window, the first of them could count twice. */
const MAX_REPORTERS = 1_000_000
/** Of a hash: 48 bits as a number. Among a million, one in 300 million is taken for another. */
const KEY_DIGITS = 12
const MINUTE_MS = 60_000

/** Opens it with those who reported within the longest window of the catalogue. @default maxReporters 1000000 */
export function openCountedReporters(ctx: WatchCtx, maxReporters = MAX_REPORTERS): CountedReporters {
  const counted = createRecentMap<number, true>(maxReporters)
  const underWay = new Map<number, Promise<unknown>>()
  for (const key of readKeys(ctx, maxReporters)) counted.set(key, true)

  return {
    async countOnce(reporter, keep) {
      const key = keyOf(reporter)
      for (let other = underWay.get(key); other; other = underWay.get(key)) await other.catch(() => {})
      if (counted.get(key)) return false
      const keeping = keep()
      underWay.set(key, keeping)
      try {
        await keeping
        counted.set(key, true)
        return true
      } finally {
        underWay.delete(key)
      }
    },
  }
}

const keyOf = (reporter: string): number => Number.parseInt(reporter.slice(0, KEY_DIGITS), 16)

/** The oldest first. */
function readKeys(ctx: WatchCtx, limit: number): number[] {
  const windowsMs = ctx.catalog.services().map(({ reports }) => reports.windowMinutes * MINUTE_MS)
  const rows = ctx.store.all<{ reporter: string }>(
    'select hex(reporter) as reporter from report where at_ms >= :sinceMs order by at_ms desc limit :limit',
    { sinceMs: ctx.clock.now().getTime() - Math.max(0, ...windowsMs), limit },
  )
  return rows.map(({ reporter }) => keyOf(reporter)).reverse()
}
