/** Runs all monitors of the catalogue from this place, feeds the detector, and keeps what operators need to see. */
import type { ProbeSample } from '../../../engines/detect/types.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { Monitor, ServiceEntry } from '../../configuration/index.ts'
import type { CheckResult } from './check-result.ts'
import { createResponseBook } from './response-book.ts'
import { runCheck, type CheckTools } from './run-check.ts'
import { createSchedule, type Schedule, type ScheduledWork } from './schedule.ts'
import type { Statement } from '../../store/index.ts'

export interface ProbesOptions {
  readonly tools: CheckTools
  /** How this vantage point is called, and the region that it stands for. */
  readonly vantage: { readonly id: string; readonly region: string | null; readonly asn: number | null }
  readonly observe: (sample: ProbeSample) => void
}

export interface Probes extends AsyncDisposable {
  readonly schedule: Schedule
  /** Takes the result of a check that was made here or by an agent. */
  take(result: TakenResult): void
  /** The last result of each monitor by vantage point. */
  lastResults(serviceId: string): readonly LastResult[]
}

export interface TakenResult {
  readonly entry: ServiceEntry
  readonly monitor: Monitor
  readonly vantageId: string
  readonly region: string | null
  readonly asn: number | null
  readonly atMs: number
  readonly result: CheckResult
}

export interface LastResult {
  readonly monitorId: string
  readonly vantageId: string
  readonly atMs: number
  readonly result: CheckResult
}

/** Starts to probe; follows changes of the catalogue. */
export function startProbes(ctx: WatchCtx, options: ProbesOptions): Probes {
  const { tools, vantage } = options
  const schedule = createSchedule(ctx.clock)
  const book = createResponseBook(ctx)
  const last = new Map<string, Map<string, LastResult>>()

  const plan = () => schedule.set(planWork(ctx, vantage.id, check))

  async function check(entry: ServiceEntry, monitor: Monitor, signal: AbortSignal): Promise<boolean> {
    const result = await runCheck(monitor, { serviceId: entry.id, signal }, tools)
    if (signal.aborted) return false
    const region = monitor.region ?? vantage.region
    const before = last.get(entry.id)?.get(keyOf(monitor.id, vantage.id))
    take({
      entry,
      monitor,
      vantageId: vantage.id,
      region: entry.regions.some(({ id }) => id === region) ? region : null,
      asn: vantage.asn,
      atMs: ctx.clock.now().getTime(),
      result,
    })
    return isSoonAgain(before?.result, result)
  }

  function take(taken: TakenResult): void {
    const { entry, monitor, vantageId, atMs, result } = taken
    const results = last.get(entry.id) ?? new Map<string, LastResult>()
    last.set(entry.id, results)
    const key = keyOf(monitor.id, vantageId)
    const before = results.get(key)?.result
    results.set(key, { monitorId: monitor.id, vantageId, atMs, result })
    book.note(entry.id, monitor.features, atMs, result)
    if (isWorthKeeping(before, result))
      ctx.store
        .write([eventStatement(taken)])
        .catch((error: unknown) => ctx.log.warn({ err: error }, 'probes.event-not-kept'))
    options.observe(sampleOf(taken))
  }

  plan()
  const change = ctx.catalog.onChange(plan)
  return {
    schedule,
    take,
    lastResults: (serviceId) => [...(last.get(serviceId)?.values() ?? [])],
    async [Symbol.asyncDispose]() {
      change[Symbol.dispose]()
      await schedule[Symbol.asyncDispose]()
      await book[Symbol.asyncDispose]()
    },
  }
}

const sampleOf = ({ entry, monitor, vantageId, region, asn, atMs, result }: TakenResult): ProbeSample => ({
  kind: 'probes',
  serviceId: entry.id,
  atMs,
  monitorId: monitor.id,
  featureIds: monitor.features,
  vantageId,
  region,
  asn,
  outcome: result.outcome,
  failure: result.failure,
  durationMs: result.durationMs,
  intervalMs: monitor.everyS * 1_000,
})

/** The monitors of the catalogue that this place looks after. */
const planWork = (
  ctx: WatchCtx,
  vantageId: string,
  check: (entry: ServiceEntry, monitor: Monitor, signal: AbortSignal) => Promise<boolean>,
): ScheduledWork[] =>
  ctx.catalog.services().flatMap((entry) =>
    entry.monitors
      .filter(({ vantages }) => !vantages || vantages.includes(vantageId))
      .map((monitor) => ({
        key: `${entry.id}/${monitor.id}`,
        everyMs: monitor.everyS * 1_000,
        againMs: monitor.retryS * 1_000,
        run: (signal) => check(entry, monitor, signal),
      })),
  )

const keyOf = (monitorId: string, vantageId: string): string => `${monitorId} ${vantageId}`

/** What fails, and the first success after it: one success alone does not say that it works again. */
export const isSoonAgain = (before: CheckResult | undefined, now: CheckResult): boolean =>
  now.outcome === 'failed' || (now.outcome === 'ok' && before?.outcome === 'failed')

/** Turns from one outcome to another, and failures of another kind. */
function isWorthKeeping(before: CheckResult | undefined, now: CheckResult): boolean {
  if (!before) return now.outcome !== 'ok'
  return before.outcome !== now.outcome || before.failure !== now.failure
}

const eventStatement = ({ entry, monitor, vantageId, atMs, result }: TakenResult): Statement => ({
  sql: `insert into probe_event (service_id, monitor_id, vantage_id, at_ms, outcome, failure, detail, phases)
    values (:serviceId, :monitorId, :vantageId, :atMs, :outcome, :failure, :detail, :phases)`,
  params: {
    serviceId: entry.id,
    monitorId: monitor.id,
    vantageId,
    atMs,
    outcome: result.outcome,
    failure: result.failure,
    detail: result.detail,
    phases: JSON.stringify(result.phases),
  },
})
