/**
 * Collateral blame: reports on one service that another one's outage explains.
 *
 * People who can't reach A blame its neighbours too. While A has more unexpected reports than B, a share of A's excess
 * is expected on B; only what goes beyond it, or evidence of another kind, can open an outage of B.
 */
import { TEN_MINUTES, TWO_MINUTES, WINDOW_BINS } from './report-windows.ts'
import { BIN_MS, type Shape } from './shape.ts'
import type { ServiceState } from './state.ts'

/** The largest share of a neighbour's excess reports that mix-ups were seen to explain. */
const COUPLING = 0.5
/** From this score on a service's excess is a fact that can explain others. */
const EXPLAINS_AT = 3

interface Excess {
  /** Per window: reports beyond the expected ones. */
  readonly perWindow: readonly number[]
  readonly expected: readonly number[]
  readonly isBroken: boolean
}

export function excessOf(service: ServiceState, shape: Shape): Excess {
  const { windows, baseline } = service
  const cells = shape.rows * shape.columns
  let perBin = 0
  for (let cell = 0; cell < cells; cell++) perBin += baseline.perBin[cell]!
  const expected = WINDOW_BINS.map((bins) => perBin * Math.min(bins, windows.filled))
  const perWindow = WINDOW_BINS.map((_, window) => {
    let count = 0
    for (let cell = 0; cell < cells; cell++) count += windows.sums[window * cells + cell]!
    return Math.max(count - expected[window]!, 0)
  })
  const isBroken =
    service.scan.score >= EXPLAINS_AT ||
    service.late !== null ||
    service.outages.some(({ state, confirmedAtMs }) => state !== 'resolved' && confirmedAtMs !== null)
  return { perWindow, expected, isBroken }
}

/** How fast those who report late become fewer, and how long they are awaited. */
const LATE_MEAN_MS = 4 * 60_000
const LATE_MAX_MS = 20 * 60_000

/** Remembers what has been judged already: the crowd of an outage that is just called over. */
export function noteLate(service: ServiceState, shape: Shape, nowMs: number): void {
  service.late = { excess: [...excessOf(service, shape).perWindow], atMs: nowMs }
}

/** Late reports that are still to be expected in each window. */
export function lateReports(service: ServiceState, nowMs: number): number[] | null {
  if (service.late === null) return null
  const sinceMs = nowMs - service.late.atMs
  if (sinceMs > LATE_MAX_MS) {
    service.late = null
    return null
  }
  const { excess } = service.late
  const perBin = excess[TWO_MINUTES]! / WINDOW_BINS[TWO_MINUTES]
  return WINDOW_BINS.map((bins, window) => {
    const windowMs = bins * BIN_MS
    // What has not left the window yet, and what comes after the call, thinning out.
    const left = excess[window]! * Math.max(1 - sinceMs / windowMs, 0)
    const [from, to] = [Math.max(sinceMs - windowMs, 0), sinceMs]
    const tail = Math.exp(-from / LATE_MEAN_MS) - Math.exp(-to / LATE_MEAN_MS)
    return left + (perBin * LATE_MEAN_MS * tail) / BIN_MS + (windowMs < 60_000 ? 1 : 2)
  })
}

/** By what factor the expectation of a service rises, per window, and whose outage does most of it. */
export function explain(
  own: Excess,
  neighbours: readonly { id: string; excess: Excess }[],
  late: readonly number[] | null,
): { inflate: number[]; by: string | null; share: number } {
  const explained = WINDOW_BINS.map((_, window) => late?.[window] ?? 0)
  let [by, most]: [string | null, number] = [null, 0]
  for (const { id, excess } of neighbours) {
    // The larger crowd explains the smaller one, never the other way round.
    if (!excess.isBroken || excess.perWindow[TEN_MINUTES]! <= own.perWindow[TEN_MINUTES]!) continue
    for (let window = 0; window < explained.length; window++)
      explained[window]! += COUPLING * excess.perWindow[window]!
    if (excess.perWindow[TEN_MINUTES]! > most) [by, most] = [id, excess.perWindow[TEN_MINUTES]!]
  }
  const inflate = explained.map((extra, window) =>
    extra > 0 ? 1 + extra / Math.max(own.expected[window]!, 0.05) : 1,
  )
  const share =
    own.perWindow[TEN_MINUTES]! > 0 ? Math.min(explained[TEN_MINUTES]! / own.perWindow[TEN_MINUTES]!, 1) : 0
  return { inflate, by, share }
}
