/**
 * Hysteresis of each cell: separate rules to open and to close.
 *
 * To open, the posterior alone decides. To close, health has to be seen: every kind that accused the cell must have
 * stopped, at least one must say that it is well, and it must stay so for a while that is longer the weaker the witness.
 * Missing evidence keeps a broken cell broken and turns a healthy one into an unknown one.
 */
import { isMaintained } from './maintenance.ts'
import { excessLogRatio, toProbability } from './maths.ts'
import { rateShape } from './report-baseline.ts'
import { TEN_MINUTES, TWO_MINUTES } from './report-windows.ts'
import { isUnchecked } from './restart.ts'
import { countWindow } from './scan.ts'
import { PRIOR_LOG_ODDS, type FusedCell } from './fusion.ts'
import type { Shape } from './shape.ts'
import type { CellRecord, ServiceState } from './state.ts'
import { isTrafficFresh } from './traffic.ts'
import type { CellView, SignalKind } from './types.ts'

/** Log-odds from which a cell is suspected, and from which it is called broken. */
export const SUSPECT_AT = -0.5
export const BREAK_AT = 1.8
/** A suspicion ends below this, for so long. */
const CALM_AT = -3
const CALM_MS = 60_000
/** What a kind has to have said to count as an accuser, and to be still accusing. */
const ACCUSES_AT = 3
const STILL_ACCUSES_AT = 1.5
/** How long health must be seen before a cell is called up again. */
const HOLD_MS = { two: 90_000, probes: 150_000, traffic: 240_000, reports: 300_000 } as const
/** And before it is told to be coming back, unless our own checks, settled, say so of what has not come back before. */
const COMING_BACK_AFTER_MS = 30_000
/** An accuser that has vanished is outlived by the others after this long. */
const VANISHED_MS = 15 * 60_000
/** Reports on a service that is up again: late ones keep coming. */
const LATE_FACTOR = 2
const LATE_EXTRA = 3
/** Without new evidence a cell stays known for this long. */
const EVIDENCE_HOLDS_MS = 120_000

type Health = 'good' | 'bad' | 'unclear' | 'silent'

export interface CellChange {
  readonly cell: number
  readonly from: CellView['state']
  readonly to: CellView['state']
}

/** Moves every cell on by one bin, and says which changed. `patience` ≥ 1 lengthens what it takes to close. */
export function moveCells(
  service: ServiceState,
  shape: Shape,
  fused: readonly FusedCell[],
  now: { atMs: number; isBlind: boolean; patience: (cell: number) => number },
): CellChange[] {
  const changes: CellChange[] = []
  for (let cell = 0; cell < fused.length; cell++) {
    const record = service.cells[cell]!
    const from = record.state
    const { hasEvidence } = fused[cell]!
    if (hasEvidence && !now.isBlind) record.evidenceUntilMs = now.atMs + EVIDENCE_HOLDS_MS
    if (hasEvidence || record.logOdds !== null) record.logOdds = fused[cell]!.logOdds
    record.contributions = fused[cell]!.contributions
    const to = nextState(service, shape, { cell, record, now })
    if (to === from) continue
    record.state = to
    record.sinceMs = now.atMs
    changes.push({ cell, from, to })
  }
  return changes
}

interface Judged {
  readonly cell: number
  readonly record: CellRecord
  readonly now: { atMs: number; isBlind: boolean; patience: (cell: number) => number }
}

function nextState(service: ServiceState, shape: Shape, judged: Judged): CellView['state'] {
  const { cell, record, now } = judged
  const isBroken = record.state === 'down' || record.state === 'recovering'
  // What is done on purpose is no outage, unless it was one before.
  if (isMaintained(service.maintenance, cell, now.atMs) && !isBroken) return 'maintenance'
  if (isUnchecked(service, shape, cell)) {
    record.goodSinceMs = null
    return isBroken || now.atMs <= record.evidenceUntilMs ? record.state : 'unknown'
  }
  if (isBroken) return closeOrKeep(service, shape, judged)
  const logOdds = record.logOdds ?? -Infinity
  if (logOdds >= BREAK_AT && !now.isBlind) {
    record.accusers = accusersOf(record)
    record.goodSinceMs = null
    return 'down'
  }
  if (logOdds >= SUSPECT_AT && !now.isBlind) {
    record.calmSinceMs = null
    return 'suspected'
  }
  if (record.state === 'suspected') {
    if (logOdds >= CALM_AT || now.atMs > record.evidenceUntilMs) record.calmSinceMs = null
    else record.calmSinceMs ??= now.atMs
    // A suspicion that nothing feeds any more, and nothing refutes, becomes ignorance.
    if (now.atMs > record.evidenceUntilMs) return 'unknown'
    if (record.calmSinceMs === null || now.atMs - record.calmSinceMs < CALM_MS) return 'suspected'
  }
  if (now.atMs > record.evidenceUntilMs) return 'unknown'
  // What was never seen to work is not called up for a doubt too small to be told.
  return record.state === 'unknown' && logOdds > PRIOR_LOG_ODDS ? 'unknown' : 'up'
}

const accusersOf = (record: CellRecord): SignalKind[] =>
  (Object.entries(record.contributions) as [SignalKind, number][])
    .filter(([, value]) => value >= ACCUSES_AT)
    .map(([kind]) => kind)

function closeOrKeep(service: ServiceState, shape: Shape, { cell, record, now }: Judged): CellView['state'] {
  for (const kind of accusersOf(record)) if (!record.accusers.includes(kind)) record.accusers.push(kind)
  const health = {
    probes: healthByProbes(service, cell),
    traffic: healthByTraffic(service, cell, now.atMs),
    reports: healthByReports(service, shape, cell, now.isBlind),
  }
  const kinds = ['probes', 'traffic', 'reports'] as const
  // Only who saw it break can see that it is well again: a probe that never noticed proves nothing.
  const sawIt = kinds.filter((kind) => record.accusers.includes(kind))
  const good = kinds.filter(
    (kind) => health[kind] === 'good' && (sawIt.length === 0 || sawIt.includes(kind) || kind === 'reports'),
  )
  // Late reporters don't outvote two instruments that see it work.
  const bad = kinds.filter(
    (kind) => health[kind] === 'bad' && !(kind === 'reports' && isOutvoted(good) && isFading(service)),
  )
  const isAwaited = kinds.some(
    (kind) => record.accusers.includes(kind) && (health[kind] === 'unclear' || health[kind] === 'silent'),
  )
  if (bad.length > 0 || good.length === 0 || now.isBlind) {
    record.goodSinceMs = null
    return 'down'
  }
  record.goodSinceMs ??= now.atMs
  const goodMs = now.atMs - record.goodSinceMs
  const hold = isAwaited ? VANISHED_MS : holdOf(good)
  const patience = now.patience(cell)
  // Only how it is told: what it takes to be called up stays the same.
  const afterMs = good.includes('probes') && patience === 1 ? 0 : COMING_BACK_AFTER_MS
  if (goodMs < hold * patience) return goodMs >= afterMs || isAwaited ? 'recovering' : record.state
  record.accusers = []
  record.goodSinceMs = null
  return 'up'
}

/** Instruments that saw it break and see it work again: late reporters don't outvote them. */
const isOutvoted = (good: readonly SignalKind[]): boolean =>
  good.includes('probes') || good.includes('traffic')

function holdOf(good: readonly ('probes' | 'traffic' | 'reports')[]): number {
  if (good.includes('probes') && good.length >= 2) return HOLD_MS.two
  if (good.includes('probes')) return HOLD_MS.probes
  return good.includes('traffic') ? HOLD_MS.traffic : HOLD_MS.reports
}

function healthByProbes(service: ServiceState, cell: number): Health {
  const verdict = service.votes.verdicts[cell]!
  if (verdict === 'none') return 'silent'
  return verdict === 'mixed' ? 'unclear' : verdict
}

function healthByTraffic(service: ServiceState, cell: number, nowMs: number): Health {
  const traffic = service.traffic.cells[cell]!
  if (!isTrafficFresh(traffic, nowMs)) return 'silent'
  if (traffic.logOdds > 1) return 'bad'
  return traffic.goodRun >= 2 ? 'good' : 'unclear'
}

/** Over all features that broke with it in its region: a single cell has too few reports to tell. */
function healthByReports(service: ServiceState, shape: Shape, cell: number, isBlind: boolean): Health {
  if (isBlind || service.reportsHeardMs === null || service.windows.filled < 12) return 'silent'
  const columns = [cell % shape.regions]
  const rows = rowsWith(service, shape, cell)
  const { perBin } = service.baseline
  const recent = countWindow(service.windows, shape, { rows, columns, window: TWO_MINUTES, perBin })
  const longer = countWindow(service.windows, shape, { rows, columns, window: TEN_MINUTES, perBin })
  const isHigh = recent.count > LATE_FACTOR * recent.expected + LATE_EXTRA
  if (isHigh && excessLogRatio(recent.count, recent.expected, rateShape(service.baseline)) > STILL_ACCUSES_AT)
    return 'bad'
  // Silence is a sign of health only where people would have spoken.
  if (longer.expected < 1 && service.scan.count === 0 && !wasLoud(service, cell)) return 'silent'
  return longer.count <= LATE_FACTOR * longer.expected + 2 * LATE_EXTRA ? 'good' : 'unclear'
}

function rowsWith(service: ServiceState, shape: Shape, cell: number): number[] {
  const outage = service.outages.find((each) => each.state !== 'resolved' && each.cells.includes(cell))
  const together = (outage?.cells ?? [cell]).filter((each) => each % shape.regions === cell % shape.regions)
  return together.map((each) => Math.floor(each / shape.regions))
}

/** Whether the crowd accused the cell of this outage: then its falling silent means something. */
function wasLoud(service: ServiceState, cell: number): boolean {
  return service.cells[cell]!.accusers.includes('reports')
}

/** Fewer reports in the last two minutes than their share of the last ten. */
function isFading(service: ServiceState): boolean {
  const { sums, filling } = service.windows
  let [recent, longer] = [0, 0]
  for (let cell = 0; cell < filling.length; cell++) {
    recent += sums[TWO_MINUTES * filling.length + cell]!
    longer += sums[TEN_MINUTES * filling.length + cell]!
  }
  return recent * 5 < longer * 0.7
}

/** A cell as others see it. */
export function viewCell(service: ServiceState, shape: Shape, cell: number): CellView {
  const record = service.cells[cell]!
  const isBroken = record.state === 'down' || record.state === 'recovering'
  const probability = record.logOdds === null ? null : toProbability(record.logOdds)
  return {
    serviceId: shape.model.id,
    featureId: shape.model.features[Math.floor(cell / shape.regions)]!.id,
    region: shape.model.regions[cell % shape.regions]!,
    posterior: probability === null ? null : boundedBy(record.state, probability),
    // Closed on purpose, and seen to be: for people it is an outage all the same.
    state: record.state === 'down' && service.closed[cell]! ? 'closed' : record.state,
    contributions: record.contributions,
    sinceMs: isBroken || record.state !== 'unknown' ? record.sinceMs : null,
    ...(isUnchecked(service, shape, cell) && { isUnchecked: true }),
  }
}

/** What was broken and hasn't been seen well is as likely broken as not, however quiet it is; and the reverse. */
function boundedBy(state: CellView['state'], probability: number): number {
  if (state === 'down') return Math.max(probability, 0.5)
  return state === 'up' ? Math.min(probability, 0.5) : probability
}
