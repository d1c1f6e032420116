/**
 * Keeps incidents in line with the outages that the detector knows. A level, not a log of events: whatever a crash, a full
 * disk or a changed catalogue kept from being written is found at the next look.
 */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { Detector, DetectorEvent, Outage } from '../../engines/detect/types.ts'
import { nameOfActor, WATCH } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { incidentIdOf } from '../app/ids.ts'
import { retryRaces } from '../store/index.ts'
import { componentsAffected } from './affected.ts'
import { applyOutage, type Applied } from './apply-outage.ts'
import { closeLost, isOfIncident, type Closed } from './lost-outage.ts'
import { wordingOfRecord } from './operator-verbs.ts'
import {
  findIncident,
  findIncidentOfOutage,
  lastOperatorWordMs,
  listOpenOfOutages,
  writeIncident,
  writeUpdate,
  type IncidentRecord,
} from './records.ts'
import { runAll } from './run-all.ts'
import { toView } from './record-view.ts'
import type { UpdateView } from './views.ts'

/** Components of each service as they were before, as far as they have changed. */
export type StatusesBefore = ReadonlyMap<string, ReadonlyMap<string, ComponentStatus>>

export interface Look {
  readonly detector: Detector
  /** What the detector said since the last look: it is where outages end that it forgets at once. */
  readonly events: readonly DetectorEvent[]
  readonly before: StatusesBefore
  readonly nowMs: number
}

export interface IncidentBook {
  /**
   * Brings all incidents up to what the detector knows. Idempotent: what failed is made good by the next look.
   *
   * @throws {WatchError} storage-unavailable
   */
  follow(look: Look): Promise<void>
}

/** Figures alone (posterior, forecast) are written this often. */
const FIGURES_EVERY_MS = 60_000

/** What the book remembers between two looks. */
interface Book {
  readonly ctx: WatchCtx
  readonly statusesOf: (serviceId: string) => ReadonlyMap<string, ComponentStatus>
  /** By incident. */
  readonly figuresWrittenAtMs: Map<string, number>
  /** Since when an open incident's outage has been missing. */
  readonly lostSinceMs: Map<string, number>
  /** By outage: since when it has been seen open. */
  readonly openSinceMs: Map<string, number>
}

/** Begins with what the store knows. */
export function createIncidentBook(ctx: WatchCtx, statusesOf: Book['statusesOf']): IncidentBook {
  const book: Book = {
    ctx,
    statusesOf,
    figuresWrittenAtMs: new Map(),
    lostSinceMs: new Map(),
    openSinceMs: new Map(),
  }
  return {
    async follow(look) {
      const outages = outagesOf(look)
      const open = outages.filter(({ state }) => state !== 'resolved').map(({ id }) => id)
      const lost = findLost(ctx, outages)
      noteSince(book.openSinceMs, open, look.nowMs)
      noteSince(book.lostSinceMs, lost.keys(), look.nowMs)
      await runAll([
        ...outages.map((outage) => () => settle(book, outage, lost, look)),
        // Those that no outage took over.
        () => runAll([...lost.values()].map((record) => () => closeOne(book, record, look))),
      ])
    },
  }
}

/** Open incidents whose outage is not among these, by id. */
function findLost(ctx: WatchCtx, outages: readonly Outage[]): Map<string, IncidentRecord> {
  const known = new Set(outages.map(({ id }) => id))
  return new Map(
    listOpenOfOutages(ctx.store)
      .filter(({ outageId }) => !known.has(outageId!))
      .map((record) => [record.id, record]),
  )
}

async function settle(
  book: Book,
  outage: Outage,
  lost: Map<string, IncidentRecord>,
  look: Look,
): Promise<void> {
  const { ctx } = book
  const entry = ctx.catalog.find(outage.serviceId)
  if (!entry) return
  const { nowMs } = look
  const adoptedId = [...lost.values()].find((record) => isOfIncident(outage, record))?.id
  await retryRaces(async () => {
    // Under the id that it would get, an operator may have taken it over from another watch.
    const own = findIncidentOfOutage(ctx.store, outage.id) ?? findIncident(ctx.store, incidentIdOf(outage.id))
    const record = own ?? (adoptedId === undefined ? null : findIncident(ctx.store, adoptedId))
    if (record && isOperatorsWord(ctx, record, outage.resolvedAtMs)) return
    const applied = applyOutage(record, {
      outage,
      openSinceMs: book.openSinceMs.get(outage.id) ?? nowMs,
      atMs: nowMs,
      entry,
      statuses: book.statusesOf(entry.id),
    })
    if (!applied) return
    const lastFiguresMs = book.figuresWrittenAtMs.get(applied.record.id) ?? 0
    if (record && !applied.update && nowMs - lastFiguresMs < FIGURES_EVERY_MS) return
    await write(book, record, applied, look)
    if (record && !own) lost.delete(record.id)
  })
}

async function closeOne(book: Book, record: IncidentRecord, look: Look): Promise<void> {
  const { ctx } = book
  await retryRaces(async () => {
    const now = findIncident(ctx.store, record.id)
    if (!now || now.resolvedAtMs !== null) return
    const closed = seenClosed(book, now, look)
    if (closed && !isOperatorsWord(ctx, now, closed.backAtMs)) await write(book, now, closed, look)
  })
}

function seenClosed({ ctx, lostSinceMs }: Book, record: IncidentRecord, look: Look): Closed | null {
  const { detector, nowMs } = look
  const isWatched = ctx.catalog.find(record.serviceId) !== undefined
  const cells = isWatched ? detector.cells(record.serviceId) : null
  // The catalogue has it already, and the detector not yet.
  if (cells?.length === 0) return null
  const wording = wordingOfRecord(ctx, record)
  return closeLost(record, { nowMs, lostSinceMs: lostSinceMs.get(record.id) ?? nowMs, cells, wording })
}

/** An operator who spoke after the end, and left it open, knows more than the detector. */
function isOperatorsWord(ctx: WatchCtx, record: IncidentRecord, endedAtMs: number | null): boolean {
  if (endedAtMs === null || record.pinnedState === null || record.resolvedAtMs !== null) return false
  return (lastOperatorWordMs(ctx.store, record.id) ?? -Infinity) >= endedAtMs
}

async function write(
  { ctx, figuresWrittenAtMs }: Book,
  record: IncidentRecord | null,
  applied: Applied,
  look: Look,
): Promise<void> {
  const { serviceId, facts } = applied.record
  const before = look.before.get(serviceId) ?? new Map<string, ComponentStatus>()
  const update: UpdateView | null = applied.update && {
    id: ctx.newId(),
    ...applied.update,
    atMs: look.nowMs,
    author: nameOfActor(WATCH),
    affected: componentsAffected(ctx, serviceId, facts.featureIds, before),
  }
  await ctx.store.write([
    writeIncident(applied.record, record?.updatedAtMs ?? null),
    ...(update ? [writeUpdate(applied.record.id, update)] : []),
  ])
  if (applied.record.resolvedAtMs === null) figuresWrittenAtMs.set(applied.record.id, look.nowMs)
  else figuresWrittenAtMs.delete(applied.record.id)
  ctx.live.tell({ kind: 'incident', serviceId, incident: toView(ctx, applied.record), update })
}

/** Notes those that are new, and forgets those that are gone. */
function noteSince(since: Map<string, number>, ids: Iterable<string>, nowMs: number): void {
  const now = new Set(ids)
  for (const id of since.keys()) if (!now.has(id)) since.delete(id)
  for (const id of now) if (!since.has(id)) since.set(id, nowMs)
}

/** All that the detector knows, and what it has told and forgotten since. */
function outagesOf({ detector, events }: Look): Outage[] {
  const outages = new Map<string, Outage>()
  for (const event of events) if (event.kind !== 'collateral') outages.set(event.outage.id, event.outage)
  for (const outage of detector.outages()) outages.set(outage.id, outage)
  return [...outages.values()]
}
