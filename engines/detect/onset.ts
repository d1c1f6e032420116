/** When it began: between the last sign of health and the first of failure, by whichever kinds saw it. */
import { learntHours } from './report-baseline.ts'
import type { Shape } from './shape.ts'
import type { ServiceState } from './state.ts'
import { BIN_MS } from './shape.ts'
import { isTrafficFresh } from './traffic.ts'
import type { Interval } from './types.ts'

/** People notice, and then report: the onset lies before the rise. */
const PEOPLE_LAG_MS = 20_000
const FAR_MS = 60 * 60_000
/** Before a day of reports was seen, a rise may be no more than the time of day. */
const RHYTHM_KNOWN_H = 24

/** Never later than `before`, so that it moves only backwards as evidence comes in. */
export function dateOnset(
  service: ServiceState,
  shape: Shape,
  cells: readonly number[],
  nowMs: number,
  before?: Interval,
): Interval {
  const byInstruments = [...byProbes(service, shape, cells, nowMs), ...byTraffic(service, cells, nowMs)]
  const areEnough = byInstruments.length > 0 && learntHours(service.baseline) < RHYTHM_KNOWN_H
  const found = [...byInstruments, ...(areEnough ? [] : byReports(service, shape, cells, nowMs))].filter(
    ({ medianMs }) => nowMs - medianMs <= FAR_MS && medianMs <= nowMs,
  )
  if (before !== undefined) found.push(before)
  if (found.length === 0) return { lowMs: nowMs - 5 * 60_000, medianMs: nowMs - BIN_MS, highMs: nowMs }
  // Whoever saw it first is nearest to the truth.
  return found.reduce((best, each) => (each.medianMs < best.medianMs ? each : best))
}

function byProbes(service: ServiceState, shape: Shape, cells: readonly number[], nowMs: number): Interval[] {
  const rows = new Set(cells.map((cell) => Math.floor(cell / shape.regions)))
  const columns = new Set(cells.map((cell) => cell % shape.regions))
  const failing = [...service.probes.tracks.values()].filter(
    ({ failingSinceMs, rows: covered, column }) =>
      failingSinceMs !== null &&
      nowMs - failingSinceMs <= FAR_MS &&
      covered.some((row) => rows.has(row)) &&
      (column === -1 || columns.has(column)),
  )
  if (failing.length === 0) return []
  const high = Math.min(...failing.map(({ failingSinceMs }) => failingSinceMs!))
  // The latest success before the first failure, of those that failed soon after. Nothing is known of the time before the
  // first look.
  const successes = failing.map(({ lastOkMs }) => lastOkMs ?? high).filter((atMs) => atMs <= high)
  const low = successes.length > 0 ? Math.max(...successes) : high - 60_000
  return [{ lowMs: low, medianMs: Math.round((low + high) / 2), highMs: high }]
}

function byTraffic(service: ServiceState, cells: readonly number[], nowMs: number): Interval[] {
  return cells.flatMap((cell) => {
    const traffic = service.traffic.cells[cell]!
    if (!isTrafficFresh(traffic, nowMs) || traffic.badSinceMs === null) return []
    const low = traffic.lastGoodMs ?? traffic.badSinceMs - 60_000
    return [{ lowMs: low, medianMs: Math.round((low + traffic.badSinceMs) / 2), highMs: traffic.badSinceMs }]
  })
}

function byReports(service: ServiceState, shape: Shape, cells: readonly number[], nowMs: number): Interval[] {
  const rows = new Set(cells.map((cell) => Math.floor(cell / shape.regions)))
  const accused = cells.some((cell) => (service.cells[cell]!.contributions.reports ?? 0) > 3)
  if (!accused) return []
  const { rise } = service
  const since = [...rows, shape.features]
    .filter((row) => rise.score[row]! > 3)
    .map((row) => rise.sinceMs[row]!)
  if (since.length === 0) return []
  const first = Math.max(...since)
  const median = Math.min(first - PEOPLE_LAG_MS, nowMs)
  return [{ lowMs: first - 120_000, medianMs: median, highMs: Math.min(first + 60_000, nowMs) }]
}
