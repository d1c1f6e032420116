/** What pages and answers show once peers are heard: own incidents and theirs, each outage once, with who says what. */
import type { WatchCtx } from '../app/context.ts'
import { stableId } from '../app/ids.ts'
import {
  CAUSE_NAMED_FROM,
  endSeenElsewhereBody,
  explanationDueAtMs,
  findIncident,
  type IncidentView,
  namesOf,
  type OwnIncident,
  titleOf,
  type UpdateView,
  type WitnessView,
  wordsOf,
  type OwnReader,
} from '../incidents/index.ts'
import type { JoinedIncident, Witness } from './joined-incident.ts'
import { incidentsOf, knownOf, type Known } from './merge.ts'
import { toStatement, type Origin } from './own-statements.ts'
import {
  findStatement,
  findStatements,
  hasPeerWords,
  listClosings,
  listStatements,
  readEpoch,
} from './records.ts'
import { readHearing, type Hearing } from './silence.ts'
import type { IncidentStatement } from './statement.ts'

/** Around one incident, so far is looked for others that tell of the same outage. */
const REACH_MS = 24 * 3_600_000

/**
 * The list with what peers say: those of theirs that nobody here saw are added, those that tell of the same outage become
 * one. Newest first. What operators here merged stays in it as it is.
 */
export function overlayList(
  ctx: WatchCtx,
  own: readonly OwnIncident[],
  window: { readonly serviceId: string | null; readonly endedAfterMs: number; readonly beforeMs: number },
): IncidentView[] {
  const self = selfOf(ctx)
  if (self === null) return own.map(({ view }) => view)
  const merged = own.filter(({ view }) => view.mergedInto !== null).map(({ view }) => view)
  const joined = joinedViews(ctx, self, own, listStatements(ctx.store, window)).filter(
    ({ resolvedAtMs }) => resolvedAtMs === null || resolvedAtMs > window.endedAfterMs,
  )
  return [...merged, ...joined].sort(
    (a, b) => b.startedAtMs - a.startedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  )
}

/** One incident, by the id that any of its witnesses gives it. Null: nobody knows it. */
export function overlayOne(ctx: WatchCtx, id: string, reader: OwnReader): IncidentView | null {
  const self = selfOf(ctx)
  const own = reader.find(id)
  if (self === null || own?.view.mergedInto != null) return own?.view ?? null
  const named = findStatements(ctx.store, id)
  const first = own?.record ?? named[0]
  if (!first) return null
  const theirs = listStatements(ctx.store, {
    serviceId: first.serviceId,
    endedAfterMs: first.startedAtMs - REACH_MS,
    beforeMs: (first.resolvedAtMs ?? ctx.clock.now().getTime()) + REACH_MS,
  })
  const near = reader.near(
    first.serviceId,
    first.startedAtMs - REACH_MS,
    (first.resolvedAtMs ?? ctx.clock.now().getTime()) + REACH_MS,
  )
  const views = joinedViews(ctx, self, near, theirs)
  return (
    views.find((view) => view.id === id || view.witnesses?.some(({ incidentId }) => incidentId === id)) ??
    own?.view ??
    null
  )
}

/** Null: no peer ever said anything, so there is nothing to lay over. */
function selfOf(ctx: WatchCtx): Origin | null {
  const epoch = readEpoch(ctx.store)
  return epoch === null || !hasPeerWords(ctx.store) ? null : { origin: ctx.config.id, epoch }
}

function joinedViews(
  ctx: WatchCtx,
  self: Origin,
  own: readonly OwnIncident[],
  theirs: readonly IncidentStatement[],
): IncidentView[] {
  const ownById = new Map(own.map((one) => [one.record.id, one]))
  const ours = own
    // One whose target is not looked at would stand for itself.
    .filter(({ record: { mergedInto } }) => mergedInto === null || ownById.has(mergedInto))
    .map((one) => toStatement(ctx, one, self))
  const heard = [...theirs, ...beyondTheWindow(ctx, [...ours, ...theirs])]
  const statements = [...ours, ...heard.filter((statement) => !isOfOurOwn(ctx, statement, self))]
  const known: Known = knownOf(statements, listClosings(ctx.store, statements))
  const hearing = readHearing(ctx)
  return incidentsOf(known).map((incident) => {
    const [first, second] = incident.witnesses
    const mine = incident.witnesses
      .filter(({ statement }) => isOurs(statement, self))
      .map(({ statement }) => ownById.get(statement.incidentId))
      .find((one) => one !== undefined)
    if (mine && !second && first!.end?.by == null) return mine.view
    return toJoinedView(ctx, incident, { self, mine: mine?.view ?? null, hearing })
  })
}

/** What statements of the window refer to, however long ago it was. */
function beyondTheWindow(ctx: WatchCtx, statements: readonly IncidentStatement[]): IncidentStatement[] {
  return statements.flatMap(({ origin, incidentId, mergedInto, isAdopted }) => [
    ...(mergedInto === null
      ? []
      : [findStatement(ctx.store, origin, mergedInto)].filter((one) => one !== null)),
    ...(isAdopted ? findStatements(ctx.store, incidentId) : []),
  ])
}

/** What is told of an incident that we have ourselves, in our name but out of another store: we know it better. */
const isOfOurOwn = (ctx: WatchCtx, { origin, incidentId }: IncidentStatement, self: Origin): boolean =>
  origin === self.origin && findIncident(ctx.store, incidentId) !== null

const isOurs = (statement: IncidentStatement, { origin, epoch }: Origin): boolean =>
  statement.origin === origin && statement.epoch === epoch

interface Looker {
  readonly self: Origin
  /** Our own incident among the witnesses. */
  readonly mine: IncidentView | null
  readonly hearing: (origin: string) => Hearing
}

function toJoinedView(ctx: WatchCtx, incident: JoinedIncident, looker: Looker): IncidentView {
  const { lead, humanCause } = incident
  const { mine } = looker
  const [first] = incident.causes
  // What the service says of itself each watch reads by itself.
  const declaredCause = mine?.declared?.reason ? mine.cause : null
  return {
    // Links and messages that went out from here stay good; what only others know keeps the id that they gave it.
    id: mine?.id ?? incident.witnesses[0]!.statement.incidentId,
    serviceId: incident.serviceId,
    outageId: mine?.outageId ?? null,
    title: titleFor(ctx, incident),
    state: incident.state,
    impact: incident.impact,
    causes: incident.causes,
    cause:
      humanCause ??
      declaredCause ??
      (first && first.probability >= CAUSE_NAMED_FROM ? first.cause : 'unknown'),
    isCauseByOperator: humanCause !== null,
    confidence: incident.confidence,
    contributions: lead.contributions,
    featureIds: inCatalogueOrder(ctx, incident),
    regions: incident.regions,
    startedAtMs: incident.startedAtMs,
    detectedAtMs: incident.detectedAtMs,
    confirmedAtMs: incident.confirmedAtMs,
    identifiedAtMs: incident.identifiedAtMs,
    recoveringAtMs: incident.recoveringAtMs,
    resolvedAtMs: incident.resolvedAtMs,
    relapses: incident.relapses,
    recovered: lead.recovered,
    forecast: incident.resolvedAtMs === null ? lead.forecast : null,
    updatedAtMs: incident.updatedAtMs,
    updates: joinUpdates(ctx, incident, looker.self),
    publicExplanation: latestExplanation(incident),
    explanationDueAtMs: explanationDueAtMs(incident),
    mergedInto: null,
    officialLagMs: incident.officialLagMs,
    witnesses: incident.witnesses.map((witness) => toWitnessView(witness, looker)),
    ...(mine?.declared && { declared: mine.declared }),
    ...(mine?.restoration && { restoration: mine.restoration }),
    ...(mine?.isUnwritten && { isUnwritten: true }),
    // Another watch that looks knows better.
    ...(mine?.uncheckedSinceMs !== undefined &&
      incident.witnesses.length === 1 && { uncheckedSinceMs: mine.uncheckedSinceMs }),
  }
}

/** Words are made of names that this watch knows; a title that a person gave stays. */
function titleFor(ctx: WatchCtx, incident: JoinedIncident): string {
  const { lead, humanTitle, featureIds, regions } = incident
  if (humanTitle !== null) return humanTitle
  const isLeads = lead.featureIds.length === featureIds.length && lead.regions.length === regions.length
  if (isLeads || !ctx.catalog.find(incident.serviceId)) return lead.title
  return titleOf({
    ...joinedNames(ctx, incident),
    cause: 'unknown',
    causeProbability: 0,
    isCauseByOperator: false,
    contributions: {},
    startedAtMs: incident.startedAtMs,
    recovered: lead.recovered,
    forecast: null,
  })
}

/** As people call what is hit; by its ids where this watch doesn't know the service. */
function joinedNames(ctx: WatchCtx, { serviceId, featureIds, regions }: JoinedIncident) {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) return { features: featureIds, regions }
  return namesOf(entry, featureIds, regions.length > 0 ? regions : entry.regions.map(({ id }) => id))
}

function inCatalogueOrder(ctx: WatchCtx, { serviceId, featureIds }: JoinedIncident): readonly string[] {
  const order = ctx.catalog.find(serviceId)?.features.map(({ id }) => id) ?? []
  return featureIds.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
}

const UPDATES_MAX = 500

/** Each once, newest first; those of others name their watch. An end that was seen for a silent watch is one of them. */
function joinUpdates(ctx: WatchCtx, incident: JoinedIncident, self: Origin): UpdateView[] {
  const byId = new Map<string, UpdateView>()
  // Whatever id another watch gives its words, they take the place of none of ours.
  const put = (update: UpdateView, isOwn: boolean) => {
    if (isOwn || !byId.has(update.id)) byId.set(update.id, update)
  }
  for (const { statement, end } of incident.witnesses) {
    const isOwn = isOurs(statement, self)
    const of = wordsOf(statement.origin, statement.incidentId)
    for (const update of statement.updates)
      put(isOwn ? { ...update, of } : { ...update, of, watch: statement.origin }, isOwn)
    if (end === null || end.by === null) continue
    const id = stableId(`closing/${statement.origin}/${statement.incidentId}/${end.by}/${end.atMs}`)
    const body = endSeenElsewhereBody(joinedNames(ctx, incident))
    const said = { id, state: 'resolved', body, atMs: end.atMs, author: 'watch', affected: [], of } as const
    put(end.by === self.origin ? said : { ...said, watch: end.by }, end.by === self.origin)
  }
  return [...byId.values()].sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1)).slice(0, UPDATES_MAX)
}

function latestExplanation({ witnesses }: JoinedIncident): IncidentView['publicExplanation'] {
  let last: IncidentStatement['explanation'] = null
  for (const { statement } of witnesses)
    if (statement.explanation && statement.explanation.at > (last?.at ?? -1)) last = statement.explanation
  return last
}

function toWitnessView({ statement, end }: Witness, { self, hearing }: Looker): WitnessView {
  const isSelf = isOurs(statement, self)
  const { isSilent, heardAtMs } = hearing(statement.origin)
  return {
    watch: statement.origin,
    isSelf,
    isAdopted: statement.isAdopted,
    incidentId: statement.incidentId,
    state: end === null ? statement.state : 'resolved',
    isConfirmed: statement.confirmedAtMs !== null,
    startedAtMs: statement.startedAtMs,
    overAtMs: end?.atMs ?? null,
    isClosedByOthers: (end?.by ?? null) !== null,
    saidAtMs: statement.version,
    isSilent: !isSelf && isSilent,
    heardAtMs: isSelf ? null : heardAtMs,
  }
}
