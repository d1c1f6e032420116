/** Counts of reports by minute, gathered for a moment and written together; what a crash loses is counted again at the start. */
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
/** So much is counted again at the start. */
const REPAIRED_MS = 10 * MINUTE_MS

/** Counts the last minutes anew, then goes on from there. */
export async function openMinuteCounts(ctx: WatchCtx): Promise<MinuteCounts> {
  await ctx.store.write(repairStatements(ctx.clock.now().getTime()))
  let gathered = new Map<
    string,
    { readonly statement: Omit<CountedReport, 'trust'>; count: number; trusted: number }
  >()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<unknown> = Promise.resolve()

  function write(): void {
    timer = null
    const over = [...gathered.values()]
    gathered = new Map()
    writing = ctx.store
      .write(over.map(({ statement, count, trusted }) => addStatement(statement, count, trusted)))
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'reports.counts-not-kept'))
  }

  return {
    add(report) {
      const atMs = Math.floor(report.atMs / MINUTE_MS) * MINUTE_MS
      const key = `${report.serviceId} ${atMs} ${report.featureId ?? ''} ${report.region ?? ''}`
      let cell = gathered.get(key)
      if (!cell) gathered.set(key, (cell = { statement: { ...report, atMs }, count: 0, trusted: 0 }))
      cell.count++
      cell.trusted += report.trust
      timer ??= setTimeout(write, WRITE_AFTER_MS).unref()
    },
    async [Symbol.asyncDispose]() {
      if (timer) {
        clearTimeout(timer)
        write()
      }
      await writing
    },
  }
}

const addStatement = (
  { serviceId, atMs, featureId, region }: Omit<CountedReport, 'trust'>,
  count: number,
  trusted: number,
): Statement => ({
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
