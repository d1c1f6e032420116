/**
 * Fusion: from what each kind says of a cell to one posterior.
 *
 * Kinds that don't share their errors add up as log-odds. Reports and chatter are the same crowd: the stronger counts
 * whole, the other a third. A kind without fresh evidence adds nothing, in either direction.
 */
import { judgeChatter, judgeWord, wordOn } from './crowd.ts'
import { shareOf, topOf } from './frequent.ts'
import { clamp, factorLogRatio } from './maths.ts'
import { learntHours, rateShape } from './report-baseline.ts'
import { isFlooded, TEN_MINUTES } from './report-windows.ts'
import { judgeRise } from './rises.ts'
import { cellOf, type Shape } from './shape.ts'
import type { ServiceState } from './state.ts'
import { isTrafficFresh } from './traffic.ts'
import type { SignalKind } from './types.ts'

/** A cell breaks a few times a month; in ten seconds that is about 1 in 13,000, with some looking again. */
export const PRIOR_LOG_ODDS = -9.5

/** Before a rate is known no crowd can prove anything; after an hour of it, it may. */
const REPORTS_MAX_UNLEARNT = 3
const REPORTS_MAX = 16
/** Where most of what came lately was discounted, what is left proves little: a flood is never discounted whole. */
const REPORTS_MAX_FLOODED = 8
/** What too few reports say against an outage: never much, since people fall silent for many reasons. */
const SILENCE_MIN = -2
/** A score from which on reports accuse, however few of them there are on the whole feature. */
const SPEAKS_FROM = 4
/** From which score on it is worth asking where reports come from; and what the answer may add, in nats. */
const CONCENTRATED_FROM = 3
const CONCENTRATION_PRICE = 2
const CONCENTRATION_MAX = 7
const USUAL_MIN = 20
const SHARE_MIN = 0.02
const SECOND_VOICE = 0.35
/** How long reports or their absence stay evidence: expected ones in ten minutes. */
const EXPECTED_TO_SPEAK = 1
/** The scan tells regions apart and a rise doesn't: from this score on it alone decides which cells are meant. */
const SCAN_KNOWS_BETTER = 8

export interface FusedCell {
  logOdds: number
  contributions: Partial<Record<SignalKind, number>>
  hasEvidence: boolean
}

/** Judges every cell with what is known at `nowMs`. `isBlind`: our own eyes are shut, so silence is no sign of health. */
export function fuseCells(service: ServiceState, shape: Shape, nowMs: number, isBlind: boolean): FusedCell[] {
  const reports = judgeReports(service, shape, isBlind)
  const offsetMs = shape.offsetMs[shape.regions]!
  const chatter = judgeChatter(service.chatter, nowMs, offsetMs)
  const fused: FusedCell[] = []
  for (let row = 0; row < shape.features; row++) {
    const word = judgeWord(wordOn(service.word, shape, row, nowMs))
    for (let column = 0; column < shape.regions; column++) {
      const cell = cellOf(shape, row, column)
      const traffic = service.traffic.cells[cell]!
      const probes = service.votes.logOdds[cell]!
      fused.push(
        fuse({
          reports: reports === null ? null : reports[cell]!,
          chatter,
          probes: Number.isNaN(probes) ? null : probes,
          traffic: isTrafficFresh(traffic, nowMs) ? traffic.logOdds : null,
          word,
        }),
      )
    }
  }
  return fused
}

function fuse(said: Record<SignalKind, number | null>): FusedCell {
  const contributions: Partial<Record<SignalKind, number>> = {}
  const reports = said.reports ?? 0
  const chatter = Math.max(said.chatter ?? 0, 0)
  // The same crowd twice is not two witnesses.
  const crowd =
    reports > 0
      ? Math.max(reports, chatter) + SECOND_VOICE * Math.min(reports, chatter)
      : reports + chatter / 2
  if (said.reports !== null) contributions.reports = reports
  if (said.chatter !== null) contributions.chatter = crowd - reports
  if (said.probes !== null) contributions.probes = said.probes
  if (said.traffic !== null) contributions.traffic = said.traffic
  if (said.word !== null) contributions.word = said.word
  const logOdds = PRIOR_LOG_ODDS + crowd + (said.probes ?? 0) + (said.traffic ?? 0) + (said.word ?? 0)
  return { logOdds: clamp(logOdds, -20, 20), contributions, hasEvidence: hasEvidence(said) }
}

/** An official word alone is hearsay: it is shown, and makes no cell known. */
const hasEvidence = (said: Record<SignalKind, number | null>): boolean =>
  said.reports !== null || said.probes !== null || said.traffic !== null

/** Per cell; null while reports can say nothing at all. */
function judgeReports(service: ServiceState, shape: Shape, isBlind: boolean): Float64Array | null {
  const { baseline, windows, scan } = service
  if (service.reportsHeardMs === null) return null
  const known = clamp(learntHours(baseline), 0, 1)
  const most = isFlooded(windows) ? REPORTS_MAX_FLOODED : REPORTS_MAX
  const max = REPORTS_MAX_UNLEARNT + (most - REPORTS_MAX_UNLEARNT) * known
  const said = new Float64Array(shape.features * shape.regions)
  const rises = Array.from({ length: shape.rows }, (_, row) => Math.min(judgeRise(service, row), max))
  const everywhere = rises[shape.features]!
  // A rise of the whole service is one feature's where that feature explains most of it.
  const isShared = rises.every((rise, row) => row === shape.features || rise < everywhere / 2)
  const concentration =
    scan.score >= CONCENTRATED_FROM && !isFlooded(windows) ? judgeConcentration(service) : 0
  let speaks = false
  for (let row = 0; row < shape.features; row++) {
    const usual = countRow(service, shape, row)
    const isTelling = !isBlind && windows.filled >= 60 && usual.expected >= EXPECTED_TO_SPEAK
    speaks ||= isTelling
    const silence = isTelling
      ? clamp(factorLogRatio(usual.count, usual.expected, 4, rateShape(baseline)), SILENCE_MIN, 0)
      : 0
    const rise = scan.score >= SCAN_KNOWS_BETTER ? 0 : isShared ? everywhere : rises[row]!
    const isScanned = scan.rows.includes(row)
    for (let column = 0; column < shape.regions; column++) {
      const scanned =
        isScanned && scan.columns.includes(column) ? Math.min(scan.score + concentration, max) : 0
      const value = Math.max(scanned, rise)
      said[cellOf(shape, row, column)] = value + silence * Math.max(0, 1 - value / SPEAKS_FROM)
    }
  }
  return speaks || scan.score > 0 || everywhere > 0 ? said : null
}

/** One network, or one version, has far more of the latest reports than is usual: how much that adds to their number. */
function judgeConcentration(service: ServiceState): number {
  const of = ({ lately, usual }: ServiceState['asns']): number => {
    const top = topOf(lately)
    if (top === null || usual.total < USUAL_MIN) return 0
    // Names that were hardly ever seen are what floods are made of.
    const expected = shareOf(usual, top.name)
    if (expected < SHARE_MIN || top.share <= expected) return 0
    const others = top.share < 1 ? (1 - top.share) * Math.log((1 - top.share) / (1 - expected)) : 0
    return lately.total * (top.share * Math.log(top.share / expected) + others) - CONCENTRATION_PRICE
  }
  return clamp(Math.max(of(service.asns), of(service.versions)), 0, CONCENTRATION_MAX)
}

/** Reports of ten minutes on a feature, with those that name none, and what would be usual. */
function countRow(service: ServiceState, shape: Shape, row: number): { count: number; expected: number } {
  const { windows, baseline } = service
  const from = TEN_MINUTES * windows.filling.length
  let [count, expected] = [0, 0]
  for (let column = 0; column < shape.columns; column++) {
    for (const at of [row * shape.columns + column, shape.features * shape.columns + column]) {
      count += windows.sums[from + at]!
      expected += baseline.perBin[at]!
    }
  }
  return { count, expected: expected * windows.filled }
}
