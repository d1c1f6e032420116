/**
 * Counts of reports by minute, gathered for a moment and written together. What the disk refuses is gathered again; what a
 * crash loses is counted again at the start.
 */
import type { WatchCtx } from '../../app/context.ts'
import type { Statement } from '../../store/index.ts'

export interface MinuteCounts extends AsyncDisposable {
  /** A report that is on the disk. */
  add(report: CountedReport): void
}

export interface CountedReport {
  readonly serviceId: string
  readonly atMs: number
  readonly featureId: string | null
  readonly region: string | null
  readonly trust: number
}

const MINUTE_MS = 60_000
const WRITE_AFTER_MS = 500
const RETRY_AFTER_MS = 5_000
/** So much is counted again at the start. */
const REPAIRED_MS = 10 * MINUTE_MS

/** Counts the last minutes anew, then goes on from there. */
export async function openMinuteCounts(ctx: WatchCtx): Promise<MinuteCounts> {
  await ctx.store.write(repairStatements(ctx.clock.now().getTime()))
  let gathered = new Map<string, Counted>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<unknown> = Promise.resolve()
  let isClosed = false

  function gather(key: string, counted: Counted): void {
    const cell = gathered.get(key)
    if (!cell) gathered.set(key, { ...counted })
    else {
      cell.count += counted.count
      cell.trusted += counted.trusted
    }
  }

  async function write(): Promise<void> {
    timer = null
    const over = gathered
    gathered = new Map()
    try {
      await ctx.store.write([...over.values()].map(addStatement))
    } catch (error) {
      ctx.log.warn({ err: error }, 'reports.counts-not-kept')
      for (const [key, counted] of over) gather(key, counted)
      writeAfter(RETRY_AFTER_MS)
    }
  }

  function writeAfter(ms: number): void {
    if (isClosed) return
    timer ??= setTimeout(() => (writing = write()), ms).unref()
  }

  return {
    add({ serviceId, featureId, region, trust, ...report }) {
      const atMs = Math.floor(report.atMs / MINUTE_MS) * MINUTE_MS
      const key = `${serviceId} ${atMs} ${featureId ?? ''} ${region ?? ''}`
      gather(key, { serviceId, atMs, featureId, region, count: 1, trusted: trust })
      writeAfter(WRITE_AFTER_MS)
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await writing
      if (!timer) return
      clearTimeout(timer)
      await write()
    },
  }
}

interface Counted extends Omit<CountedReport, 'trust'> {
  count: number
  trusted: number
}

const addStatement = ({ serviceId, atMs, featureId, region, count, trusted }: Counted): Statement => ({
  sql: `insert into report_minute (service_id, at_ms, feature_id, region, count, trusted)
    values (:serviceId, :atMs, :featureId, :region, :count, :trusted)
    on conflict do update set count = count + excluded.count, trusted = trusted + excluded.trusted`,
  params: { serviceId, atMs, featureId: featureId ?? '', region: region ?? '', count, trusted },
})

function repairStatements(nowMs: number): Statement[] {
  const params = { sinceMs: Math.floor((nowMs - REPAIRED_MS) / MINUTE_MS) * MINUTE_MS }
  return [
    { sql: 'delete from report_minute where at_ms >= :sinceMs', params },
    {
      sql: `insert into report_minute (service_id, at_ms, feature_id, region, count, trusted)
        select service_id, at_ms / ${MINUTE_MS} * ${MINUTE_MS}, coalesce(feature_id, ''), coalesce(region, ''),
          count(*), sum(trust)
        from report where at_ms >= :sinceMs group by 1, 2, 3, 4`,
      params,
    },
  ]
}
