/** How each kind of sample enters a service's state. */
import { takeChatter, takeWord } from './crowd.ts'
import { addName, fadeNames } from './frequent.ts'
import { takeProbe } from './probes.ts'
import { concernsCell, MARKED_MAX_MS } from './maintenance.ts'
import { learntHours } from './report-baseline.ts'
import { countOf, takeReport } from './report-windows.ts'
import { cellOf, type Shape } from './shape.ts'
import type { Names, ServiceState } from './state.ts'
import { takeTraffic } from './traffic.ts'
import type { MarkerSample, ProbeSample, ReportSample, Sample, TrafficSample } from './types.ts'

const MARKERS_MAX = 16
/** A crowd that nothing else confirms, for so long, is the new normal. */
const STUCK_MS = 48 * 3_600_000
const SUSPICIOUS_SCORE = 4
/** A bin's worth of forgetting, for half in about seven minutes. */
const RECENT_KEPT = 0.983
const LATELY_KEPT = 0.92
const USUAL_KEPT = 0.9999

/** Nothing is suspected: what comes now may teach what is usual. */
export function isCalm(state: ServiceState, nowMs: number): boolean {
  if (state.explained !== null) return false
  const open = state.outages.filter((outage) => outage.state !== 'resolved')
  // Before anything is known everything looks like too much, and has to be learnt from all the same.
  if (open.length === 0) return state.scan.score < SUSPICIOUS_SCORE || learntHours(state.baseline) < 1
  return open.every(
    ({ cells, onset }) =>
      nowMs - onset.medianMs > STUCK_MS &&
      cells.every((cell) => {
        const { probes = 0, traffic = 0 } = state.cells[cell]!.contributions
        return probes <= 0 && traffic <= 0
      }),
  )
}

/** `isLate`: it may teach, and must open nothing. */
export function takeSample(state: ServiceState, shape: Shape, sample: Sample, isLate: boolean): void {
  switch (sample.kind) {
    case 'reports':
      takeReports(state, shape, sample, isLate)
      break
    case 'probes':
      if (!isLate) takeProbes(state, shape, sample)
      break
    case 'traffic':
      takeTraffic(state.traffic, shape, sample, isCalm(state, sample.atMs))
      noteSurge(state, shape, sample)
      break
    case 'chatter':
      takeChatter(state.chatter, sample, shape.offsetMs[shape.regions]!, isCalm(state, sample.atMs))
      break
    case 'word':
      takeWord(state.word, shape, sample)
      break
    case 'marker':
      takeMarker(state, shape, sample)
      break
  }
}

function takeReports(state: ServiceState, shape: Shape, sample: ReportSample, isLate: boolean): void {
  state.reportsHeardMs = Math.max(state.reportsHeardMs ?? 0, sample.atMs)
  if (isLate) return
  takeReport(state.windows, shape, sample)
  const count = countOf(sample)
  if (count === 0) return
  const isUsual = isCalm(state, sample.atMs)
  addNames(state.asns, sample.asn === null ? null : String(sample.asn), count, isUsual)
  addNames(state.versions, sample.clientVersion, count, isUsual)
}

function addNames(names: Names, name: string | null, count: number, isUsual: boolean): void {
  if (name === null) return
  addName(names.lately, name, count)
  addName(names.recent, name, count)
  if (isUsual) addName(names.usual, name, count)
}

function takeProbes(state: ServiceState, shape: Shape, sample: ProbeSample): void {
  const isNews = takeProbe(state.probes, shape, sample, isCalm(state, sample.atMs))
  if (isNews) state.votesAreStale = true
  if (sample.outcome !== 'failed' || sample.failure === null) return
  state.failures[sample.failure] = (state.failures[sample.failure] ?? 0) + 1
  for (const outage of state.outages) {
    if (outage.state === 'resolved' || !concerns(shape, outage.cells, sample)) continue
    outage.failures[sample.failure] = (outage.failures[sample.failure] ?? 0) + 1
  }
}

function concerns(shape: Shape, cells: readonly number[], sample: ProbeSample): boolean {
  return cells.some(
    (cell) =>
      sample.featureIds.includes(shape.model.features[Math.floor(cell / shape.regions)]!.id) &&
      (sample.region === null || sample.region === shape.model.regions[cell % shape.regions]),
  )
}

function noteSurge(state: ServiceState, shape: Shape, sample: TrafficSample): void {
  const row = shape.rowOf.get(sample.featureId)
  const column = shape.columnOf.get(sample.region)
  if (row === undefined || column === undefined || sample.requests === null) return
  const cell = state.traffic.cells[cellOf(shape, row, column)]!
  if (cell === null || cell.smoothRatio < state.surge.ratio) return
  // One interval whose sources weren't counted doesn't make those before it unknown.
  const diversity = sample.diversity ?? state.surge.diversity
  state.surge = { ratio: cell.smoothRatio, diversity, atMs: sample.atMs }
}

function takeMarker(state: ServiceState, shape: Shape, sample: MarkerSample): void {
  // Told again after a restart, it says nothing new.
  if (!state.markers.some((known) => isSameMarker(known, sample)))
    state.markers = [...state.markers, sample].slice(-MARKERS_MAX)
  const { markedUntilMs } = state.maintenance
  for (let cell = 0; cell < state.cells.length; cell++) {
    if (!concernsCell(shape, sample, cell)) continue
    if (sample.what === 'maintenance-start') markedUntilMs[cell] = sample.atMs + MARKED_MAX_MS
    if (sample.what === 'maintenance-end') markedUntilMs[cell] = 0
    if (sample.what === 'policy-close') state.closed[cell] = true
    if (sample.what === 'policy-open') state.closed[cell] = false
  }
}

const isSameMarker = (a: MarkerSample, b: MarkerSample): boolean =>
  a.atMs === b.atMs &&
  a.what === b.what &&
  a.featureIds.join() === b.featureIds.join() &&
  a.regions.join() === b.regions.join()

/** Forgets a bin's worth of what counts as recent. */
export function fadeRecent(state: ServiceState): void {
  for (const names of [state.asns, state.versions]) {
    fadeNames(names.lately, LATELY_KEPT)
    fadeNames(names.recent, RECENT_KEPT)
    fadeNames(names.usual, USUAL_KEPT)
  }
  state.surge.ratio = Math.max(1, 1 + (state.surge.ratio - 1) * RECENT_KEPT)
  for (const failure of Object.keys(state.failures) as (keyof typeof state.failures)[]) {
    const left = state.failures[failure]! * RECENT_KEPT
    if (left < 0.2) delete state.failures[failure]
    else state.failures[failure] = left
  }
}
