/**
 * The loop around the detector: feeds it, asks it every second, and makes incidents, component statuses and the record of
 * both out of what it says.
 */
import type {
  Detector,
  DetectorOptions,
  DetectorSnapshot,
  Sample,
  ServiceModel,
} from '../../engines/detect/types.ts'
import type { ComponentStatus } from '../../contract/watch.ts'
import { nameOfActor, WATCH } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { startRepeating } from '../../kit/repeat.ts'
import { componentsAffected } from './affected.ts'
import { applyOutage, type OutageEvent } from './apply-outage.ts'
import { createComponentBook } from './component-book.ts'
import type { LiveBoard } from './live-status.ts'
import { listOpenMaintenances } from './maintenance-records.ts'
import { keepMaintenanceTimes } from './maintenance-verbs.ts'
import { admittedAtMs } from './official-word.ts'
import { findIncidentOfOutage, listCurrentRecords, writeIncident, writeUpdate } from './records.ts'
import { toServiceModel } from './service-model.ts'
import { replaySince, readSnapshot, snapshotStatement } from './snapshots.ts'
import { toView } from './status.ts'
import type { UpdateView } from './views.ts'

export type CreateDetector = (
  services: ServiceModel[],
  options?: DetectorOptions,
  saved?: DetectorSnapshot,
) => Detector

export interface IncidentLoop extends AsyncDisposable {
  /** Takes a sample; one of a service that is not (any longer) watched is dropped. */
  observe(sample: Sample): void
}

const BEAT_MS = 1_000
/** The detector closes a bin every ten seconds: in between only events change what it says. */
const BIN_MS = 10_000
const SNAPSHOT_EVERY_MS = 30_000
const SPAN_EVERY_MS = 15_000
/** Figures alone (posterior, forecast) are written this often. */
const FIGURES_EVERY_MS = 30_000

/** Starts the loop, from the last snapshot on. */
export function startIncidentLoop(
  ctx: WatchCtx,
  parts: {
    readonly board: LiveBoard
    readonly createDetector: CreateDetector
    /** @default 1000 */
    readonly beatMs?: number
  },
): IncidentLoop {
  const { board, createDetector } = parts
  const book = createComponentBook(ctx, board)
  let known = new Set<string>()
  let detector = open(readSnapshot(ctx))
  const figuresWrittenAtMs = new Map<string, number>()
  const inWindow = new Set<string>()
  let lastBin = -1
  let lastSnapshotMs = ctx.clock.now().getTime()
  let lastSpanMs = 0
  const spanStartedAtMs = ctx.clock.now().getTime()
  let isCatalogChanged = false
  const catalogChange = ctx.catalog.onChange(() => (isCatalogChanged = true))
  for (const sample of replaySince(ctx)) observe(sample)

  function open(saved: DetectorSnapshot | undefined): Detector {
    const models = ctx.catalog.services().map(toServiceModel)
    known = new Set(models.map(({ id }) => id))
    try {
      return createDetector(models, {}, saved)
    } catch (error) {
      if (!saved) throw error
      ctx.log.warn({ err: error }, 'detector.snapshot-refused')
      return createDetector(models)
    }
  }

  function observe(sample: Sample): void {
    if (!known.has(sample.serviceId)) return
    const live = board.service(sample.serviceId)
    if (sample.kind === 'probes') live.isBlind = book.noteProbe(sample)
    if (sample.kind !== 'probes' || sample.outcome === 'ok' || sample.outcome === 'failed')
      live.asOfMs = Math.max(live.asOfMs ?? 0, sample.atMs)
    detector.observe(sample)
  }

  async function beat(): Promise<void> {
    const nowMs = ctx.clock.now().getTime()
    if (isCatalogChanged) {
      isCatalogChanged = false
      detector = open(detector.snapshot())
      ctx.live.tell({ kind: 'catalog' })
    }
    await keepMaintenanceTimes(ctx)
    markWindows(nowMs)
    const events = detector.advance(nowMs)
    const bin = Math.floor(nowMs / BIN_MS)
    const before = events.length > 0 || bin !== lastBin ? await refresh(nowMs) : new Map()
    lastBin = bin
    for (const event of events) {
      if (event.kind !== 'collateral') await settle(event, before.get(event.outage.serviceId) ?? new Map())
    }
    await keepRecord(nowMs)
  }

  /** Windows that begin and end are told to the detector, so that they count as no outage. */
  function markWindows(nowMs: number): void {
    const now = new Set<string>()
    for (const window of listOpenMaintenances(ctx.store)) {
      if (window.status === 'scheduled') continue
      const { serviceId, featureIds, regions } = window
      const key = JSON.stringify([serviceId, featureIds, regions])
      now.add(key)
      if (inWindow.has(key)) continue
      inWindow.add(key)
      observe({ kind: 'marker', serviceId, atMs: nowMs, what: 'maintenance-start', featureIds, regions })
    }
    for (const key of inWindow) {
      if (now.has(key)) continue
      inWindow.delete(key)
      const [serviceId, featureIds, regions] = JSON.parse(key) as [string, string[], string[]]
      observe({ kind: 'marker', serviceId, atMs: nowMs, what: 'maintenance-end', featureIds, regions })
    }
  }

  /** Reads all cells anew; answers what each component was before. */
  async function refresh(nowMs: number): Promise<Map<string, Map<string, ComponentStatus>>> {
    const collaterals = detector.collaterals()
    const before = new Map<string, Map<string, ComponentStatus>>()
    for (const entry of ctx.catalog.services()) {
      const live = board.service(entry.id)
      before.set(
        entry.id,
        new Map([...live.components].map(([featureId, { status }]) => [featureId, status])),
      )
      live.cells = detector.cells(entry.id)
      live.collaterals = collaterals.filter(({ serviceId }) => serviceId === entry.id)
      if (await book.judge(entry, nowMs)) ctx.live.tell({ kind: 'status', serviceId: entry.id })
    }
    return before
  }

  async function settle(event: OutageEvent, before: ReadonlyMap<string, ComponentStatus>): Promise<void> {
    const { outage } = event
    const entry = ctx.catalog.find(outage.serviceId)
    if (!entry) return
    for (let attempt = 1; ; attempt++) {
      const record = findIncidentOfOutage(ctx.store, outage.id)
      const applied = applyOutage(record, event, entry, book.statuses(entry.id))
      if (!applied) return
      const lastFiguresMs = figuresWrittenAtMs.get(applied.record.id) ?? 0
      if (record && !applied.update && event.atMs - lastFiguresMs < FIGURES_EVERY_MS) return
      const update: UpdateView | null = applied.update && {
        id: ctx.newId(),
        ...applied.update,
        atMs: event.atMs,
        author: nameOfActor(WATCH),
        affected: componentsAffected(ctx, entry.id, outage.featureIds, before),
      }
      try {
        await ctx.store.write([
          writeIncident(applied.record, record?.updatedAtMs ?? null),
          ...(update ? [writeUpdate(applied.record.id, update)] : []),
        ])
      } catch (error) {
        if (attempt < 5 && error instanceof WatchError && error.code === 'changed-meanwhile') continue
        throw error
      }
      if (applied.record.resolvedAtMs === null) figuresWrittenAtMs.set(applied.record.id, event.atMs)
      else figuresWrittenAtMs.delete(applied.record.id)
      ctx.live.tell({ kind: 'incident', serviceId: entry.id, incident: toView(ctx, applied.record), update })
      return
    }
  }

  async function keepRecord(nowMs: number): Promise<void> {
    if (nowMs - lastSpanMs >= SPAN_EVERY_MS) {
      lastSpanMs = nowMs
      await ctx.store.write([
        {
          sql: `insert into watch_span (id, started_at_ms, seen_until_ms) values (:id, :id, :nowMs)
            on conflict (id) do update set seen_until_ms = excluded.seen_until_ms`,
          params: { id: spanStartedAtMs, nowMs },
        },
      ])
      await noteOfficialLags()
    }
    if (nowMs - lastSnapshotMs >= SNAPSHOT_EVERY_MS) {
      lastSnapshotMs = nowMs
      await ctx.store.write([snapshotStatement(detector.snapshot())])
    }
  }

  /** How long the service took to admit what the watch had found. */
  async function noteOfficialLags(): Promise<void> {
    for (const entry of ctx.catalog.services()) {
      if (!entry.word) continue
      for (const record of listCurrentRecords(ctx.store, entry.id, Number.MAX_SAFE_INTEGER)) {
        if (record.facts.officialLagMs !== null || record.confirmedAtMs === null) continue
        const admitted = admittedAtMs(ctx, entry.id, record.startedAtMs)
        if (admitted === null) continue
        const facts = { ...record.facts, officialLagMs: admitted - record.startedAtMs }
        const after = { ...record, facts, updatedAtMs: record.updatedAtMs + 1 }
        await ctx.store.write([writeIncident(after, record.updatedAtMs)]).catch((error: unknown) => {
          if (!(error instanceof WatchError && error.code === 'changed-meanwhile')) throw error
        })
      }
    }
  }

  const beating = startRepeating({
    intervalMs: parts.beatMs ?? BEAT_MS,
    work: beat,
    onError: (error) => ctx.log.error({ err: error }, 'incidents.beat-failed'),
  })
  return {
    observe,
    async [Symbol.asyncDispose]() {
      catalogChange[Symbol.dispose]()
      await beating[Symbol.asyncDispose]()
      await ctx.store
        .write([snapshotStatement(detector.snapshot())])
        .catch((error: unknown) => ctx.log.warn({ err: error }, 'detector.snapshot-not-kept'))
    },
  }
}
