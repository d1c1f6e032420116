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
  readWords,
  writeIncident,
  writeUpdate,
  type IncidentRecord,
} from './records.ts'
import { runAll } from './run-all.ts'
import type { LiveBoard } from './live-status.ts'
import { toView, type OwnIncident } from './record-view.ts'
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
  /** Shows, and lets others act on, what the disk does not take: how incidents are by now. */
  hold(look: Look): void
}

/** Figures alone (posterior, forecast) are written this often. */
const FIGURES_EVERY_MS = 60_000

/** What the book remembers between two looks. */
interface Book {
  readonly ctx: WatchCtx
  readonly board: LiveBoard
  readonly statusesOf: (serviceId: string) => ReadonlyMap<string, ComponentStatus>
  /** By incident. */
  readonly figuresWrittenAtMs: Map<string, number>
  /** Since when an open incident's outage has been missing. */
  readonly lostSinceMs: Map<string, number>
  /** By outage: since when it has been seen open. */
  readonly openSinceMs: Map<string, number>
}

/** Begins with what the store knows. */
export function createIncidentBook(
  ctx: WatchCtx,
  board: LiveBoard,
  statusesOf: Book['statusesOf'],
): IncidentBook {
  const book: Book = {
    ctx,
    board,
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
      forgetUnwritten(book)
    },
    hold(look) {
      const lost = findLost(ctx, outagesOf(look))
      for (const outage of outagesOf(look)) holdOne(book, outage, lost, look)
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
  const { nowMs } = look
  await retryRaces(async () => {
    const { own, record, applied } = judge(book, outage, lost, look)
    if (!applied) return
    const lastFiguresMs = book.figuresWrittenAtMs.get(applied.record.id) ?? 0
    if (record && !applied.update && nowMs - lastFiguresMs < FIGURES_EVERY_MS) return
    await write(book, record, applied, look)
    if (record && !own) lost.delete(record.id)
  })
}

/** What the outage makes of its incident; the record is the one that is kept, `own` if it was its own before. */
function judge(book: Book, outage: Outage, lost: ReadonlyMap<string, IncidentRecord>, { nowMs }: Look) {
  const { ctx } = book
  // Under the id that it would get, an operator may have taken it over from another watch.
  const own = findIncidentOfOutage(ctx.store, outage.id) ?? findIncident(ctx.store, incidentIdOf(outage.id))
  const adoptedId = [...lost.values()].find((one) => isOfIncident(outage, one))?.id
  const record = own ?? (adoptedId === undefined ? null : findIncident(ctx.store, adoptedId))
  const entry = ctx.catalog.find(outage.serviceId)
  if (!entry || (record && isOperatorsWord(ctx, record, outage.resolvedAtMs)))
    return { own, record, applied: null }
  const applied = applyOutage(record, {
    outage,
    openSinceMs: book.openSinceMs.get(outage.id) ?? nowMs,
    atMs: nowMs,
    entry,
    statuses: book.statusesOf(entry.id),
    told: ctx.live.declared(entry.id, nowMs),
  })
  return { own, record, applied }
}

/** Keeps in memory how it is by now, with each further state as an update of its own. */
function holdOne(book: Book, outage: Outage, lost: ReadonlyMap<string, IncidentRecord>, look: Look): void {
  const { ctx, board } = book
  const { record: before, applied } = judge(book, outage, lost, look)
  if (!applied) {
    // A suspicion that came and went is nothing to keep.
    if (before === null) dropUnwritten(board, { serviceId: outage.serviceId, id: incidentIdOf(outage.id) })
    return
  }
  const { record } = applied
  const live = board.service(record.serviceId)
  const said = unwrittenUpdates(ctx, record.id)
  const isNew = applied.update !== null && said[0]?.state !== applied.update.state
  const updates = isNew ? [makeUpdate(ctx, applied, look), ...said] : said
  const view = toView(ctx, record)
  const own: OwnIncident = {
    record,
    view: { ...view, updates: [...updates, ...view.updates], isUnwritten: true },
  }
  live.unwritten = new Map([...live.unwritten, [record.id, own]])
  if (isNew) ctx.live.tell({ kind: 'status', serviceId: record.serviceId })
}

/** Said while the disk took nothing, the newest first. */
function unwrittenUpdates(ctx: WatchCtx, incidentId: string): readonly UpdateView[] {
  const held = ctx.live.findUnwritten(incidentId)
  if (!held) return []
  const onDisk = new Set(readWords(ctx.store, [incidentId])(incidentId).updates.map(({ id }) => id))
  return held.view.updates.filter(({ id }) => !onDisk.has(id))
}

/** Once all is on the disk that the detector knows. */
function forgetUnwritten({ ctx, board }: Book): void {
  for (const { id } of ctx.catalog.services()) board.service(id).unwritten = new Map()
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
  { ctx, board, figuresWrittenAtMs }: Book,
  record: IncidentRecord | null,
  applied: Applied,
  look: Look,
): Promise<void> {
  const { serviceId } = applied.record
  const held = unwrittenUpdates(ctx, applied.record.id)
  const isNew = applied.update !== null && held[0]?.state !== applied.update.state
  const update = isNew ? makeUpdate(ctx, applied, look) : (held[0] ?? null)
  await ctx.store.write([
    writeIncident(applied.record, record?.updatedAtMs ?? null),
    ...[...held.toReversed(), ...(isNew ? [update!] : [])].map((one) => writeUpdate(applied.record.id, one)),
  ])
  // The disk knows it now, and better.
  dropUnwritten(board, applied.record)
  if (applied.record.resolvedAtMs === null) figuresWrittenAtMs.set(applied.record.id, look.nowMs)
  else figuresWrittenAtMs.delete(applied.record.id)
  ctx.live.tell({ kind: 'incident', serviceId, incident: toView(ctx, applied.record), update })
}

function makeUpdate(ctx: WatchCtx, { record, update }: Applied, look: Look): UpdateView {
  const before = look.before.get(record.serviceId) ?? new Map<string, ComponentStatus>()
  return {
    id: ctx.newId(),
    ...update!,
    atMs: look.nowMs,
    author: nameOfActor(WATCH),
    affected: componentsAffected(ctx, record.serviceId, record.facts.featureIds, before),
  }
}

function dropUnwritten(board: LiveBoard, { serviceId, id }: Pick<IncidentRecord, 'serviceId' | 'id'>): void {
  const live = board.service(serviceId)
  if (live.unwritten.has(id)) live.unwritten = new Map([...live.unwritten].filter(([one]) => one !== id))
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
