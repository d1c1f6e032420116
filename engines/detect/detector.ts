/** The detector: takes samples, closes bins, and says what changed. */
import { fuseCells } from './fusion.ts'
import { moveCells, viewCell } from './cells.ts'
import { excessOf, explain, lateReports } from './collateral.ts'
import { planMaintenance } from './maintenance.ts'
import { moveOutages, viewOutage } from './outages.ts'
import { forgetProbes, isFresh } from './probes.ts'
import { voteProbes } from './probe-votes.ts'
import { expectReports, learnBlock, rateShape } from './report-baseline.ts'
import { clearWindows, closeBin, TWO_MINUTES } from './report-windows.ts'
import { addToRises, clearRises } from './rises.ts'
import { scanReports } from './scan.ts'
import { beginAnew, noteSince } from './restart.ts'
import { BIN_MS, createShape, type Shape } from './shape.ts'
import { encodeState, readSnapshot, SNAPSHOT_VERSION } from './snapshot.ts'
import { createServiceState, type ServiceState } from './state.ts'
import { fadeRecent, isCalm, takeSample } from './take.ts'
import type {
  CellView,
  Collateral,
  Detector,
  DetectorEvent,
  DetectorOptions,
  DetectorSnapshot,
  MaintenanceWindow,
  Outage,
  Sample,
  ServiceModel,
} from './types.ts'

const LATENESS_MS = 30_000
const HOUR_MS = 3_600_000
const BLOCK_MS = 10 * 60_000
const EXPECT_EVERY_MS = 5 * 60_000
/** After a longer silence of the caller's clock, nothing is known of the meantime. */
const GAP_MS = 5 * 60_000
/** A clock that runs ahead of ours by more than this is not believed. */
const AHEAD_MAX_MS = 60_000
const BLIND_AFTER_MS = 60_000
const BLIND_KNOWN_MS = 180_000
/** After a day without probes there are none. */
const DEAF_MAX_MS = 24 * 3_600_000
/** Scores between which collateral is told and forgotten. */
const COLLATERAL_AT = 6
const COLLATERAL_OVER_AT = 2

interface Watched {
  readonly shape: Shape
  readonly state: ServiceState
}

interface Remembered {
  binEndMs: number | null
  services: Map<string, ServiceState>
  shapes: Map<string, string>
}

/**
 * Makes a detector for these services.
 *
 * With `saved` it goes on where that one stopped; services that it doesn't know, or whose features or regions have
 * changed since, start anew.
 */
export function createDetector(
  services: readonly ServiceModel[],
  options: DetectorOptions = {},
  saved?: DetectorSnapshot,
): Detector {
  const latenessMs = options.latenessMs ?? LATENESS_MS
  const remembered = readSnapshot(saved) as Remembered | null
  const watched = recall(services, remembered, options.restartedAtMs)
  let binEndMs = remembered?.binEndMs ?? null
  let windows: readonly MaintenanceWindow[] | null = null

  return {
    observe(sample: Sample): void {
      const service = watched.get(sample.serviceId)
      if (service === undefined)
        throw new RangeError(`The detector watches no service "${sample.serviceId}".`)
      const ahead = binEndMs === null ? Infinity : binEndMs + AHEAD_MAX_MS
      const believed = sample.atMs > ahead ? { ...sample, atMs: ahead } : sample
      const isLate = binEndMs !== null && sample.atMs < binEndMs - latenessMs
      takeSample(service.state, service.shape, believed, isLate)
      noteSince(service.state.restart, service.shape, believed)
    },
    advance(nowMs: number): DetectorEvent[] {
      const events: DetectorEvent[] = []
      const target = Math.floor(nowMs / BIN_MS) * BIN_MS
      if (binEndMs === null || target - binEndMs > GAP_MS) {
        for (const { state } of watched.values()) forgetMeantime(state)
        binEndMs = binEndMs === null ? target : target - BIN_MS
      }
      while (binEndMs < target) {
        binEndMs += BIN_MS
        if (windows !== null) planAll(watched, windows, binEndMs)
        closeBins(watched, binEndMs, events)
      }
      return events
    },
    setMaintenance(underWay: readonly MaintenanceWindow[]): void {
      windows = underWay
    },
    cells(serviceId: string): CellView[] {
      const service = watched.get(serviceId)
      if (service === undefined) return []
      return service.state.cells.map((_, cell) => viewCell(service.state, service.shape, cell))
    },
    outages(serviceId?: string): Outage[] {
      return [...watched.values()]
        .filter(({ shape }) => serviceId === undefined || shape.model.id === serviceId)
        .flatMap(({ shape, state }) => state.outages.map((outage) => viewOutage(state, shape, outage)))
    },
    collaterals(): Collateral[] {
      return [...watched.values()].flatMap(collateralOf)
    },
    snapshot(): DetectorSnapshot {
      const state = encodeState(rememberedOf(watched, binEndMs))
      return { version: SNAPSHOT_VERSION, savedAtMs: binEndMs ?? 0, state }
    },
  }
}

/** Services whose features and regions are what they were go on with what is remembered of them. */
function recall(
  services: readonly ServiceModel[],
  remembered: Remembered | null,
  restartedAtMs: number | undefined,
): ReadonlyMap<string, Watched> {
  return new Map(
    services.map((model) => {
      const shape = createShape(model)
      const isSame = remembered?.shapes.get(model.id) === signatureOf(model)
      const known = isSame ? remembered.services.get(model.id) : undefined
      if (known === undefined) return [model.id, { shape, state: createServiceState(shape) }]
      // A memory from before it was kept has none.
      if (restartedAtMs === undefined) known.restart ??= null
      else known.restart = beginAnew(known, shape, restartedAtMs)
      return [model.id, { shape, state: known }]
    }),
  )
}

const rememberedOf = (watched: ReadonlyMap<string, Watched>, binEndMs: number | null): Remembered => ({
  binEndMs,
  services: new Map([...watched].map(([id, service]) => [id, service.state])),
  shapes: new Map([...watched].map(([id, { shape }]) => [id, signatureOf(shape.model)])),
})

const collateralOf = ({ shape, state }: Watched): Collateral[] =>
  state.explained === null || state.explainedTold === null
    ? []
    : [{ serviceId: shape.model.id, explainedBy: state.explained.by, share: state.explained.share }]

const signatureOf = (model: ServiceModel): string =>
  JSON.stringify([model.features.map(({ id }) => id), model.regions])

function forgetMeantime(state: ServiceState): void {
  clearWindows(state.windows)
  clearRises(state)
  state.blockIsDirty = true
}

function planAll(
  watched: ReadonlyMap<string, Watched>,
  windows: readonly MaintenanceWindow[],
  atMs: number,
): void {
  const byService = Map.groupBy(windows, ({ serviceId }) => serviceId)
  for (const [id, { state, shape }] of watched)
    planMaintenance(state.maintenance, shape, byService.get(id) ?? [], atMs)
}

function closeBins(watched: ReadonlyMap<string, Watched>, endMs: number, events: DetectorEvent[]): void {
  const isBlind = isBlindNow(watched, endMs)
  for (const service of watched.values()) closeServiceBin(service, watched, endMs, isBlind)
  explainAll(watched, endMs, events)
  for (const { state, shape } of watched.values()) {
    const fused = fuseCells(state, shape, endMs, isBlind)
    const changes = moveCells(state, shape, fused, { atMs: endMs, isBlind, patience: patienceOf(state) })
    if (changes.length > 0 || state.outages.length > 0)
      events.push(...moveOutages(state, shape, changes, endMs))
  }
}

/** All that have been heard lately have no connection of their own, or none is heard any more. */
function isBlindNow(watched: ReadonlyMap<string, Watched>, nowMs: number): boolean {
  let [heard, sighted, expectedUntil] = [-Infinity, -Infinity, -Infinity]
  for (const { state } of watched.values()) {
    heard = Math.max(heard, state.probes.heardMs ?? -Infinity)
    sighted = Math.max(sighted, state.probes.sightedMs ?? -Infinity)
    expectedUntil = Math.max(expectedUntil, state.probes.freshUntilMs)
  }
  // Probes that fell silent altogether were ours: whoever runs them has stopped, and hears no reports either.
  if (nowMs > expectedUntil + BLIND_AFTER_MS && nowMs - heard <= DEAF_MAX_MS) return true
  return nowMs - heard <= BLIND_KNOWN_MS && heard - sighted >= BLIND_AFTER_MS
}

/** A cell that has come back and broken again is believed more slowly. */
const patienceOf =
  (state: ServiceState) =>
  (cell: number): number => {
    const outage = state.outages.find((each) => each.state !== 'resolved' && each.cells.includes(cell))
    return 1 + Math.min(outage?.relapses ?? 0, 4)
  }

function closeServiceBin(
  { state, shape }: Watched,
  watched: ReadonlyMap<string, Watched>,
  endMs: number,
  isBlind: boolean,
): void {
  if (endMs >= state.expectUntilMs) {
    expectReports(state.baseline, shape, endMs)
    state.expectUntilMs = endMs + EXPECT_EVERY_MS
  }
  if (endMs % HOUR_MS === 0) forgetProbes(state.probes, endMs)
  learnReports(state, shape, endMs, isBlind)
  closeBin(state.windows)
  fadeRecent(state)
  if (state.votesAreStale || endMs % (6 * BIN_MS) === 0) {
    state.votes = voteProbes(state.probes, shape, endMs, (vantageId) =>
      askElsewhere(watched, shape.model.id, vantageId, endMs),
    )
    state.votesAreStale = false
  }
  state.scan = scanReports(state.windows, shape, {
    perBin: state.baseline.perBin,
    rateShape: rateShape(state.baseline),
    inflate: NO_INFLATION,
  })
}

const NO_INFLATION = [1, 1, 1, 1] as const

/** The bin that is about to close teaches, unless it may belong to an outage. */
function learnReports(state: ServiceState, shape: Shape, endMs: number, isBlind: boolean): void {
  const { baseline } = state
  if (!isCalm(state, endMs) || isBlind) state.blockIsDirty = true
  if (state.reportsHeardMs !== null) {
    for (let cell = 0; cell < baseline.block.length; cell++)
      baseline.block[cell]! += state.windows.filling[cell]!
    baseline.blockMs += BIN_MS
  }
  if (endMs - state.blockStartMs < BLOCK_MS) return
  if (state.blockIsDirty) {
    baseline.block.fill(0)
    baseline.blockMs = 0
  } else learnBlock(baseline, shape, (state.blockStartMs + endMs) / 2)
  state.blockStartMs = endMs
  state.blockIsDirty = false
}

function askElsewhere(
  watched: ReadonlyMap<string, Watched>,
  exceptId: string,
  vantageId: string,
  nowMs: number,
): { ok: number; failed: number } {
  let [ok, failed] = [0, 0]
  for (const { state, shape } of watched.values()) {
    if (shape.model.id === exceptId) continue
    for (const track of state.probes.tracks.values()) {
      if (track.vantageId !== vantageId || !isFresh(track, nowMs)) continue
      if (track.outcome === 'ok') ok++
      else failed++
    }
  }
  return { ok, failed }
}

/** Expects on each service what its neighbours' outages explain, and looks again. */
function explainAll(watched: ReadonlyMap<string, Watched>, endMs: number, events: DetectorEvent[]): void {
  const excesses = new Map([...watched].map(([id, { state, shape }]) => [id, excessOf(state, shape)]))
  for (const [id, { state, shape }] of watched) {
    const neighbours = shape.model.neighbours.flatMap((neighbour) => {
      const excess = excesses.get(neighbour)
      return excess === undefined ? [] : [{ id: neighbour, excess }]
    })
    const { inflate, by, share } = explain(excesses.get(id)!, neighbours, lateReports(state, endMs))
    addToRises(state, shape, endMs, inflate[TWO_MINUTES]!)
    const rawScore = state.scan.score
    state.explained = by === null ? null : { by, share }
    if (rawScore > 0 && inflate.some((factor) => factor > 1)) {
      state.scan = scanReports(state.windows, shape, {
        perBin: state.baseline.perBin,
        rateShape: rateShape(state.baseline),
        inflate,
      })
    }
    tellCollateral(state, shape, { by, share, rawScore, endMs }, events)
  }
}

function tellCollateral(
  state: ServiceState,
  shape: Shape,
  seen: { by: string | null; share: number; rawScore: number; endMs: number },
  events: DetectorEvent[],
): void {
  if (seen.rawScore <= COLLATERAL_OVER_AT || seen.by === null) {
    state.explainedTold = null
    return
  }
  const isExplained = seen.rawScore >= COLLATERAL_AT && state.scan.score < seen.rawScore / 2
  if (!isExplained || state.explainedTold === seen.by) return
  state.explainedTold = seen.by
  const collateral = { serviceId: shape.model.id, explainedBy: seen.by, share: seen.share }
  events.push({ kind: 'collateral', atMs: seen.endMs, collateral })
}
