/**
 * The loop around the detector: feeds it, asks it every second, and makes incidents, component statuses and the record of
 * both out of what it says.
 */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { CellView, DetectorEvent, Sample } from '../../engines/detect/types.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import { createComponentBook, type ComponentBook } from './component-book.ts'
import { createIncidentBook } from './incident-book.ts'
import type { LiveBoard } from './live-status.ts'
import { keepMaintenanceTimes } from './maintenance-verbs.ts'
import { createRecordKeeper, type RecordKeeper } from './record-keeper.ts'
import { isRefusedByDisk, runAll } from './run-all.ts'
import { lastSeenMs, reportsSince } from './snapshots.ts'
import { openWatchedDetector, type CreateDetector, type WatchedDetector } from './watched-detector.ts'

export interface IncidentLoop extends AsyncDisposable {
  /** Takes a sample; one of a service that is not (any longer) watched is dropped. */
  observe(sample: Sample): void
}

const BEAT_MS = 1_000
/** The detector closes a bin every ten seconds: in between nothing that it says changes. */
const BIN_MS = 10_000
/** What the detector said while the disk took nothing; beyond this, what it knows has to do. */
const EVENTS_MAX = 10_000

interface Parts {
  readonly ctx: WatchCtx
  readonly board: LiveBoard
  readonly detector: WatchedDetector
  readonly components: ComponentBook
  /** Until when this watch was there before it was started; null: it never was. */
  readonly lastSeenMs: number | null
}

/** Starts the loop, from the last snapshot on. */
export function startIncidentLoop(
  ctx: WatchCtx,
  options: {
    readonly board: LiveBoard
    readonly createDetector: CreateDetector
    /** @default 1000 */
    readonly beatMs?: number
  },
): IncidentLoop {
  const { board, createDetector } = options
  const detector = openWatchedDetector(ctx, createDetector)
  const components = createComponentBook(ctx, board)
  const parts: Parts = { ctx, board, detector, components, lastSeenMs: lastSeenMs(ctx) }
  for (const { id } of ctx.catalog.services()) noteUnchecked(parts, id, detector.current().cells(id))
  for (const sample of reportsSince(ctx)) takeSample(parts, sample)

  let isCatalogChanged = false
  const catalogChange = ctx.catalog.onChange(() => (isCatalogChanged = true))
  const keeper = createRecordKeeper(ctx, () => detector.current().snapshot())
  const round = createRound(parts, keeper)
  const beating = startRepeating({
    intervalMs: options.beatMs ?? BEAT_MS,
    onError: (error) => ctx.log.error({ err: error }, 'incidents.beat-failed'),
    async work() {
      if (isCatalogChanged) {
        isCatalogChanged = false
        detector.reopen()
        ctx.live.tell({ kind: 'catalog' })
      }
      await round(ctx.clock.now().getTime())
    },
  })
  return {
    observe: (sample) => takeSample(parts, sample),
    async [Symbol.asyncDispose]() {
      catalogChange[Symbol.dispose]()
      await beating[Symbol.asyncDispose]()
      await runAll([() => components.write(), () => keeper.keepSnapshot()]).catch((error: unknown) =>
        ctx.log.warn({ err: error }, 'incidents.last-state-not-kept'),
      )
    },
  }
}

function takeSample({ board, detector, components }: Parts, sample: Sample): void {
  if (!detector.observe(sample)) return
  const live = board.service(sample.serviceId)
  if (sample.kind === 'probes') live.isBlind = components.noteProbe(sample)
  if (sample.kind !== 'probes' || sample.outcome === 'ok' || sample.outcome === 'failed')
    live.asOfMs = Math.max(live.asOfMs ?? 0, sample.atMs)
}

/** Makes the function that does one round: look, then write down what was seen. */
function createRound(parts: Parts, keeper: RecordKeeper): (nowMs: number) => Promise<void> {
  const { ctx, detector, components } = parts
  const incidents = createIncidentBook(ctx, parts.board, components.statuses)
  // Since the last look that was written down in full.
  let events: DetectorEvent[] = []
  let before = new Map<string, Map<string, ComponentStatus>>()
  let isWritten = false
  let lastBin = -1

  function look(nowMs: number): void {
    detector.tellMaintenance(nowMs)
    const news = detector.current().advance(nowMs)
    const bin = Math.floor(nowMs / BIN_MS)
    if (news.length === 0 && bin === lastBin) return
    lastBin = bin
    isWritten = false
    events = [...events, ...news].slice(-EVENTS_MAX)
    for (const [serviceId, changed] of refreshBoard(parts, nowMs))
      before.set(serviceId, new Map([...changed, ...(before.get(serviceId) ?? [])]))
  }

  async function writeDown(nowMs: number): Promise<void> {
    if (isWritten) return
    const now = { detector: detector.current(), events, before, nowMs }
    try {
      await runAll([() => components.write(), () => incidents.follow(now)])
    } catch (error) {
      // Whoever is on call does not wait for the disk.
      if (isRefusedByDisk(error)) incidents.hold(now)
      throw error
    }
    events = []
    before = new Map()
    isWritten = true
  }

  return async (nowMs) => {
    // Looking comes first: a disk that takes nothing must not keep the watch from seeing.
    look(nowMs)
    await runAll([() => writeDown(nowMs), () => keepMaintenanceTimes(ctx), () => keeper.keep(nowMs)])
  }
}

/** Reads all cells anew. Answers what the components that changed were before, by service. */
function refreshBoard(parts: Parts, nowMs: number): Map<string, Map<string, ComponentStatus>> {
  const { ctx, board, detector, components } = parts
  const collaterals = detector.current().collaterals()
  const before = new Map<string, Map<string, ComponentStatus>>()
  for (const entry of ctx.catalog.services()) {
    const live = board.service(entry.id)
    live.cells = detector.current().cells(entry.id)
    noteUnchecked(parts, entry.id, live.cells)
    live.collaterals = collaterals.filter(({ serviceId }) => serviceId === entry.id)
    const changed = components.judge(entry, nowMs)
    if (!changed) continue
    before.set(entry.id, changed)
    ctx.live.tell({ kind: 'status', serviceId: entry.id })
  }
  return before
}

function noteUnchecked(
  { ctx, board, lastSeenMs }: Parts,
  serviceId: string,
  cells: readonly CellView[],
): void {
  const featureIds = new Set(cells.filter(({ isUnchecked }) => isUnchecked).map(({ featureId }) => featureId))
  const live = board.service(serviceId)
  const isChanged = (live.unchecked?.featureIds.size ?? 0) !== featureIds.size
  live.unchecked = featureIds.size > 0 && lastSeenMs !== null ? { sinceMs: lastSeenMs, featureIds } : null
  if (isChanged) ctx.live.tell({ kind: 'status', serviceId })
}
