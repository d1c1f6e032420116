/** Outages: which broken cells belong together, and the way from suspected to resolved, with a watch for relapses. */
import { rankCauses } from './causes.ts'
import { viewCell, type CellChange } from './cells.ts'
import { noteLate } from './collateral.ts'
import { forecastRemaining, learnDuration } from './forecast.ts'
import { clamp, toProbability } from './maths.ts'
import { observe } from './observations.ts'
import { dateOnset } from './onset.ts'
import { isOutageUnaccused, isOutageUnchecked } from './restart.ts'
import { clearRises } from './rises.ts'
import { TWO_MINUTES } from './report-windows.ts'
import { countWindow } from './scan.ts'
import type { Shape } from './shape.ts'
import type { OutageRecord, ServiceState } from './state.ts'
import { isTrafficFresh } from './traffic.ts'
import type { CellView, DetectorEvent, Outage, SignalKind } from './types.ts'

/** Cells that break within this time of each other belong to one outage. */
const TOGETHER_MS = 10 * 60_000
const RELAPSE_WATCH_MS = 30 * 60_000
/** A cause is named from this probability on, once it has been looked at for this long. */
const IDENTIFIED_AT = 0.6
const IDENTIFY_AFTER_MS = 60_000
/** No check casts doubt on an end for longer than this. */
const DOUBT_MAX_MS = 30 * 60_000
/** Most records in relapse watch per service. */
const RECORDS_MAX = 32

type Told = DetectorEvent & { outage: Outage }

/** Follows the cells' changes of one bin; says what is to be told. */
export function moveOutages(
  service: ServiceState,
  shape: Shape,
  changes: readonly CellChange[],
  nowMs: number,
): Told[] {
  const told: Told[] = []
  for (const { cell, from, to } of changes) {
    const isBack = (from === 'down' || from === 'recovering') && to === 'up'
    // Who reports it from now on is late: the crowd that accused it has been heard.
    if (isBack) {
      noteLate(service, shape, nowMs)
      clearRises(service)
    }
    if (to === 'suspected' || to === 'down')
      joinOrOpen(service, shape, { cell, isDown: to === 'down', nowMs, told })
  }
  for (const outage of service.outages) {
    if (outage.state === 'resolved' || isOutageUnchecked(service, shape, outage)) continue
    refresh(service, shape, outage, nowMs)
    advanceState(service, shape, outage, nowMs)
    if (outage.resolvedAtMs === nowMs) {
      told.push(tell(service, shape, outage, 'outage-resolved', nowMs))
      continue
    }
    const signature = signatureOf(service, outage)
    const isNew = outage.told === ''
    if (signature === outage.told) continue
    outage.told = signature
    const isTold = told.some((event) => event.outage.id === outage.id)
    if (!isTold) told.push(tell(service, shape, outage, isNew ? 'outage-opened' : 'outage-changed', nowMs))
  }
  forgetOld(service, nowMs)
  return told
}

function joinOrOpen(
  service: ServiceState,
  shape: Shape,
  joined: { cell: number; isDown: boolean; nowMs: number; told: Told[] },
): void {
  const { cell, isDown, nowMs, told } = joined
  const known = [...service.outages].reverse()
  if (known.some((each) => each.state !== 'resolved' && each.cells.includes(cell))) return
  const watched = known.find(
    (each) => each.state === 'resolved' && each.confirmedAtMs !== null && each.cells.includes(cell),
  )
  const open = known.find(
    (each) =>
      each.state !== 'resolved' &&
      (nowMs - each.detectedAtMs <= TOGETHER_MS || each.cells.some((other) => isAkin(shape, other, cell))),
  )
  // The mere suspicion of a relapse is nothing to tell: its outage has just been told.
  if (open === undefined && watched !== undefined && !isDown) return
  const outage = open ?? watched ?? openOutage(service, shape, cell, nowMs)
  if (!outage.cells.includes(cell)) {
    outage.cells.push(cell)
    outage.joinedAtMs.push(nowMs)
  }
  if (outage !== watched) return
  outage.state = 'confirmed'
  outage.relapses += 1
  outage.resolvedAtMs = outage.relapseWatchUntilMs = outage.recoveringSinceMs = null
  outage.told = signatureOf(service, outage)
  told.push(tell(service, shape, outage, 'outage-relapsed', nowMs))
}

/** Of one feature, or of one region. */
const isAkin = (shape: Shape, a: number, b: number): boolean =>
  Math.floor(a / shape.regions) === Math.floor(b / shape.regions) || a % shape.regions === b % shape.regions

function openOutage(service: ServiceState, shape: Shape, cell: number, nowMs: number): OutageRecord {
  const onset = dateOnset(service, shape, [cell], nowMs)
  const outage: OutageRecord = {
    id: `${shape.model.id}:${onset.medianMs}:${service.opened}`,
    state: 'suspected',
    cells: [cell],
    joinedAtMs: [nowMs],
    onset,
    detectedAtMs: nowMs,
    confirmedAtMs: null,
    recoveringSinceMs: null,
    resolvedAtMs: null,
    relapseWatchUntilMs: null,
    relapses: 0,
    causes: [],
    peak: { reportRatio: 0, reportExcess: 0, trafficRatioMin: null, errorRateMax: null, confidence: 0 },
    failures: { ...service.failures },
    remaining: null,
    told: '',
  }
  service.opened += 1
  service.outages.push(outage)
  return outage
}

/** What is known of it now: at its worst, its beginning, its causes, and how long it will last. */
function refresh(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number): void {
  const { peak } = outage
  const rows = [...new Set(outage.cells.map((cell) => Math.floor(cell / shape.regions)))]
  const columns = [...new Set(outage.cells.map((cell) => cell % shape.regions))]
  const { count, expected } = countWindow(service.windows, shape, {
    rows,
    columns,
    window: TWO_MINUTES,
    perBin: service.baseline.perBin,
  })
  peak.reportRatio = Math.max(peak.reportRatio, count / expected)
  peak.reportExcess = Math.max(peak.reportExcess, count - expected)
  for (const cell of outage.cells) {
    peak.confidence = Math.max(peak.confidence, toProbability(service.cells[cell]!.logOdds ?? -20))
    const traffic = service.traffic.cells[cell]!
    if (!isTrafficFresh(traffic, nowMs) || traffic.atMs < outage.onset.medianMs) continue
    peak.trafficRatioMin = Math.min(peak.trafficRatioMin ?? Infinity, traffic.ratio)
    if (traffic.errorRate !== null) peak.errorRateMax = Math.max(peak.errorRateMax ?? 0, traffic.errorRate)
  }
  // What came in during the first minutes says when it began; what comes later doesn't.
  if (nowMs - outage.detectedAtMs <= 2 * 60_000)
    outage.onset = dateOnset(service, shape, outage.cells, nowMs, outage.onset)
  if (outage.causes.length > 0 && isOutageUnaccused(service, shape, outage)) return
  outage.causes = rankCauses(observe(service, shape, outage, nowMs))
}

function advanceState(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number): void {
  const states = outage.cells.map((cell) => service.cells[cell]!.state)
  const broken = states.filter((state) => state === 'down' || state === 'recovering').length
  const isSuspected = states.includes('suspected')
  if (outage.confirmedAtMs === null) {
    if (broken > 0) {
      outage.confirmedAtMs = nowMs
      outage.state = 'confirmed'
    } else if (!isSuspected) resolve(service, shape, outage, nowMs)
    return
  }
  const isOver = broken === 0 && !isSuspected
  if (isOver && !isDoubtful(service, outage, nowMs)) {
    resolve(service, shape, outage, nowMs)
    return
  }
  if (isOver || states.includes('recovering')) {
    outage.recoveringSinceMs ??= nowMs
    outage.state = 'recovering'
  } else {
    if (states.every((state) => state === 'down' || state === 'suspected')) outage.recoveringSinceMs = null
    const top = outage.causes[0]
    const isIdentified =
      top !== undefined &&
      top.cause !== 'unknown' &&
      top.probability >= IDENTIFIED_AT &&
      nowMs - outage.confirmedAtMs >= IDENTIFY_AFTER_MS
    if (isEasing(service, shape, outage, nowMs)) outage.state = 'mitigating'
    else if (isIdentified || outage.state === 'identified') outage.state = 'identified'
    else outage.state = 'confirmed'
  }
  // Costly to work out, and it changes slowly.
  if (outage.remaining === null || nowMs % 60_000 === 0)
    outage.remaining = forecastRemaining(service.durations, outage.causes, nowMs - outage.onset.medianMs)
}

/** Where some checks fail and some don't, cells come back one by one and break again: it is over when none of them does. */
function isDoubtful(service: ServiceState, outage: OutageRecord, nowMs: number): boolean {
  const lastMs = Math.max(...outage.cells.map((cell) => service.cells[cell]!.sinceMs ?? 0))
  if (nowMs - lastMs >= DOUBT_MAX_MS) return false
  return outage.cells.some((cell) => {
    const verdict = service.votes.verdicts[cell]
    return verdict === 'bad' || verdict === 'mixed'
  })
}

/** Something was done, or it hurts visibly less than at its worst. */
function isEasing(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number): boolean {
  if (nowMs - outage.confirmedAtMs! < 2 * 60_000) return false
  const isActedOn = service.markers.some(
    ({ what, atMs }) =>
      (what === 'configuration' || what === 'release') && atMs > outage.confirmedAtMs! && atMs <= nowMs,
  )
  if (isActedOn) return true
  const { trafficRatioMin, reportRatio } = outage.peak
  const ratios = outage.cells
    .map((cell) => service.traffic.cells[cell]!)
    .filter((traffic) => isTrafficFresh(traffic, nowMs))
    .map((traffic) => traffic.smoothRatio)
  if (trafficRatioMin !== null && ratios.length > 0)
    return Math.min(...ratios) > trafficRatioMin + 0.25 && trafficRatioMin < 0.6
  const { count, expected } = countWindow(service.windows, shape, {
    rows: [...new Set(outage.cells.map((cell) => Math.floor(cell / shape.regions)))],
    columns: [...new Set(outage.cells.map((cell) => cell % shape.regions))],
    window: TWO_MINUTES,
    perBin: service.baseline.perBin,
  })
  return reportRatio > 4 && count / expected < reportRatio * 0.4
}

function resolve(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number): void {
  outage.state = 'resolved'
  outage.resolvedAtMs = nowMs
  outage.remaining = null
  outage.recoveringSinceMs ??= outage.confirmedAtMs === null ? null : nowMs
  if (outage.confirmedAtMs === null) return
  outage.relapseWatchUntilMs = nowMs + RELAPSE_WATCH_MS
  const top = outage.causes[0]
  if (top !== undefined) learnDuration(service.durations, top.cause, nowMs - outage.onset.medianMs)
}

function forgetOld(service: ServiceState, nowMs: number): void {
  if (service.outages.length === 0) return
  // Open ones share no cell, so there are never more of them than cells; none is forgotten.
  const isOver = ({ state }: OutageRecord): boolean => state === 'resolved'
  const watched = service.outages
    .filter((outage) => isOver(outage) && nowMs < (outage.relapseWatchUntilMs ?? 0))
    .slice(-RECORDS_MAX)
  service.outages = service.outages.filter((outage) => !isOver(outage) || watched.includes(outage))
}

/** What has to change for a change to be told. */
function signatureOf(service: ServiceState, outage: OutageRecord): string {
  const cells = outage.cells.map((cell) => service.cells[cell]!.state)
  return JSON.stringify([outage.state, outage.cells, cells, outage.causes[0]?.cause, outage.relapses])
}

const tell = (
  service: ServiceState,
  shape: Shape,
  outage: OutageRecord,
  kind: 'outage-opened' | 'outage-changed' | 'outage-resolved' | 'outage-relapsed',
  atMs: number,
): Told => ({ kind, atMs, outage: viewOutage(service, shape, outage) })

/** An outage as others see it. */
export function viewOutage(service: ServiceState, shape: Shape, outage: OutageRecord): Outage {
  const cells = [...outage.cells].sort((a, b) => a - b).map((cell) => viewCell(service, shape, cell))
  const contributions: Partial<Record<SignalKind, number>> = {}
  for (const cell of cells) {
    for (const [kind, value] of Object.entries(cell.contributions) as [SignalKind, number][])
      contributions[kind] = Math.max(contributions[kind] ?? -Infinity, value)
  }
  const confidence = Math.max(...cells.map(({ posterior }) => posterior ?? 0))
  const isBack = ({ state }: CellView): boolean => state === 'up'
  return {
    id: outage.id,
    serviceId: shape.model.id,
    state: outage.state,
    featureIds: [...new Set(cells.map(({ featureId }) => featureId))],
    regions: [...new Set(cells.map(({ region }) => region))],
    cells,
    confidence: clamp(confidence, 0, 1),
    contributions,
    causes: outage.causes,
    onset: outage.onset,
    detectedAtMs: outage.detectedAtMs,
    confirmedAtMs: outage.confirmedAtMs,
    recoveringSinceMs: outage.recoveringSinceMs,
    resolvedAtMs: outage.resolvedAtMs,
    relapseWatchUntilMs: outage.relapseWatchUntilMs,
    relapses: outage.relapses,
    recovered: { cells: cells.filter(isBack).length, of: cells.length },
    remaining: outage.remaining,
    ...(isOutageUnchecked(service, shape, outage) && { isUnchecked: true }),
    ...(isOutageUnaccused(service, shape, outage) && { isUnaccused: true }),
  }
}
