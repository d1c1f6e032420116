/**
 * Response times by feature in slots of five minutes, gathered in memory and written when a slot is over. What the disk refuses
 * is gathered again.
 */
import { startRepeating } from '../../../kit/repeat.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { Statement } from '../../store/index.ts'
import type { CheckResult } from './check-result.ts'

export interface ResponseBook extends AsyncDisposable {
  note(serviceId: string, featureIds: readonly string[], atMs: number, result: CheckResult): void
}

const SLOT_MS = 5 * 60_000
const LOOK_EVERY_MS = 5_000
/** Of a slot's durations so many are kept, evenly: quantiles need no more. */
const SAMPLE_SIZE = 200
/** A disk that takes nothing for longer costs the oldest slots: memory must not grow with it. */
const UNWRITTEN_MAX_MS = 60 * 60_000

interface Slot {
  readonly serviceId: string
  readonly featureId: string
  readonly atMs: number
  checks: number
  failed: number
  measured: number
  readonly durations: number[]
}

/** Begins with empty slots; what a crash loses is at most the slot that is open. */
export function createResponseBook(
  ctx: WatchCtx,
  /** How often it looks whether a slot is over. */
  lookEveryMs = LOOK_EVERY_MS,
): ResponseBook {
  let slots = new Map<string, Slot>()

  async function write(beforeMs: number): Promise<void> {
    const over = [...slots].filter(([, { atMs }]) => atMs + SLOT_MS <= beforeMs)
    if (over.length === 0) return
    for (const [key] of over) slots.delete(key)
    try {
      await ctx.store.write(over.map(([, slot]) => slotStatement(slot)))
    } catch (error) {
      const keptFromMs = ctx.clock.now().getTime() - UNWRITTEN_MAX_MS
      for (const [key, slot] of over) if (slot.atMs >= keptFromMs) putBack(slots, key, slot)
      throw error
    }
  }

  const writing = startRepeating({
    intervalMs: lookEveryMs,
    work: () => write(ctx.clock.now().getTime()),
    onError: (error) => ctx.log.warn({ err: error }, 'probes.response-times-not-kept'),
  })
  return {
    note(serviceId, featureIds, atMs, { outcome, durationMs }) {
      if (outcome !== 'ok' && outcome !== 'failed') return
      const slotMs = Math.floor(atMs / SLOT_MS) * SLOT_MS
      for (const featureId of featureIds) {
        const key = `${serviceId} ${featureId} ${slotMs}`
        let slot = slots.get(key)
        if (!slot) {
          slot = { serviceId, featureId, atMs: slotMs, checks: 0, failed: 0, measured: 0, durations: [] }
          slots.set(key, slot)
        }
        slot.checks++
        if (outcome === 'failed') slot.failed++
        else if (durationMs !== null) keepSample(slot, durationMs)
      }
    },
    async [Symbol.asyncDispose]() {
      await writing[Symbol.asyncDispose]()
      await write(Number.POSITIVE_INFINITY).catch(() => {})
      slots = new Map()
    },
  }
}

/** A late check may have begun the slot anew meanwhile. */
function putBack(slots: Map<string, Slot>, key: string, slot: Slot): void {
  const since = slots.get(key)
  slots.set(key, slot)
  if (!since) return
  slot.checks += since.checks
  slot.failed += since.failed
  for (const durationMs of since.durations) keepSample(slot, durationMs)
}

/** Once it is full, each further one takes the place of another in turn: no randomness, no growth. */
function keepSample(slot: Slot, durationMs: number): void {
  if (slot.durations.length < SAMPLE_SIZE) slot.durations.push(durationMs)
  else slot.durations[slot.measured % SAMPLE_SIZE] = durationMs
  slot.measured++
}

function slotStatement({ serviceId, featureId, atMs, checks, failed, durations }: Slot): Statement {
  const sorted = durations.toSorted((a, b) => a - b)
  const quantile = (q: number) =>
    sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
  return {
    sql: `insert into response_bucket (service_id, feature_id, at_ms, checks, failed, p50_ms, p95_ms)
      values (:serviceId, :featureId, :atMs, :checks, :failed, :p50, :p95)
      on conflict do update set checks = checks + excluded.checks, failed = failed + excluded.failed,
        p50_ms = coalesce(excluded.p50_ms, p50_ms), p95_ms = max(coalesce(excluded.p95_ms, p95_ms), coalesce(p95_ms, 0))`,
    params: { serviceId, featureId, atMs, checks, failed, p50: quantile(0.5), p95: quantile(0.95) },
  }
}
