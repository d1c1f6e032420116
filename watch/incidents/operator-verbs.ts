/** What operators do to incidents. Each verb checks access, settles races in SQL, and leaves a line in the audit log. */
import { nameOfActor, requireOperator } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { retryRaces, type Statement } from '../store/index.ts'
import { OUTAGE_STATES, type OutageState } from '../../engines/detect/types.ts'
import { namesOf } from './apply-outage.ts'
import { auditStatement } from './audit.ts'
import { componentsAffected } from './affected.ts'
import { findIncident, writeExplanation, writeIncident, writeUpdate, type IncidentRecord } from './records.ts'
import { toView } from './record-view.ts'
import type {
  ConfirmOutageInput,
  CorrectCauseInput,
  ExplainIncidentInput,
  MergeIncidentsInput,
  OpenIncidentInput,
  PostUpdateInput,
} from './verbs.ts'
import type { IncidentView, UpdateView } from './views.ts'
import { bodyOf, type Wording } from './words.ts'

const BODY_MAX_LENGTH = 10_000
const TITLE_MAX_LENGTH = 200

const rank = (state: OutageState): number => OUTAGE_STATES.indexOf(state)

/**
 * Confirms what was only suspected. Idempotent.
 *
 * @throws {WatchError} not-allowed, not-found, invalid-input when it is over
 */
export function confirmOutage(ctx: WatchCtx, input: ConfirmOutageInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  return change(ctx, input.incidentId, (before, nowMs) => {
    if (before.resolvedAtMs !== null) throw invalid('It is over, so there is nothing to confirm.')
    if (rank(before.state) >= rank('confirmed')) return null
    const after: IncidentRecord = {
      ...before,
      state: 'confirmed',
      pinnedState: 'confirmed',
      confirmedAtMs: nowMs,
    }
    return {
      after,
      update: { state: 'confirmed', body: bodyOf('confirmed', wordingOfRecord(ctx, after), nowMs) },
      audit: { actor: input.actor, action: 'confirm-outage' },
    }
  })
}

/** Says what the cause is, or (null) leaves it to the detector again. Idempotent. */
export function correctCause(ctx: WatchCtx, input: CorrectCauseInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  return change(ctx, input.incidentId, (before, nowMs) => {
    if (before.operatorCause === input.cause) return null
    const isOpen = before.resolvedAtMs === null
    const moves = isOpen && input.cause !== null && rank(before.state) < rank('identified')
    const state = moves ? 'identified' : before.state
    const after: IncidentRecord = {
      ...before,
      state,
      pinnedState: moves ? 'identified' : before.pinnedState,
      operatorCause: input.cause,
      confirmedAtMs: before.confirmedAtMs ?? (moves ? nowMs : null),
      facts: { ...before.facts, identifiedAtMs: before.facts.identifiedAtMs ?? (moves ? nowMs : null) },
    }
    return {
      after,
      update:
        isOpen && input.cause !== null
          ? { state, body: bodyOf('identified', wordingOfRecord(ctx, after), nowMs) }
          : null,
      audit: {
        actor: input.actor,
        action: 'correct-cause',
        facts: { before: before.operatorCause, after: input.cause },
      },
    }
  })
}

/** Posts an update in the operator's own words; with a state, the incident takes it. */
export function postUpdate(ctx: WatchCtx, input: PostUpdateInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  const body = checkText(input.body, 'body', BODY_MAX_LENGTH)
  return change(ctx, input.incidentId, (before, nowMs) => {
    const state = input.state ?? before.state
    const after: IncidentRecord = {
      ...before,
      state,
      pinnedState: input.state ?? before.pinnedState,
      confirmedAtMs: before.confirmedAtMs ?? (rank(state) >= 1 && state !== 'resolved' ? nowMs : null),
      resolvedAtMs: state === 'resolved' ? (before.resolvedAtMs ?? nowMs) : null,
    }
    return {
      after,
      update: { state, body },
      audit: { actor: input.actor, action: 'post-update', facts: { state } },
    }
  })
}

/** Publishes, or replaces, the public explanation. */
export function explainIncident(ctx: WatchCtx, input: ExplainIncidentInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  const body = checkText(input.body, 'body', BODY_MAX_LENGTH)
  return change(ctx, input.incidentId, (before, nowMs) => ({
    after: before,
    update: null,
    more: [writeExplanation(before.id, { body, at: nowMs, author: nameOfActor(input.actor) })],
    audit: { actor: input.actor, action: 'explain-incident' },
  }))
}

/** Opens an incident that no signal shows (yet). */
export async function openIncident(ctx: WatchCtx, input: OpenIncidentInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  const entry = ctx.catalog.find(input.serviceId)
  if (!entry) throw notFound('service', input.serviceId)
  const title = checkText(input.title, 'title', TITLE_MAX_LENGTH)
  const body = checkText(input.body, 'body', BODY_MAX_LENGTH)
  for (const id of input.featureIds)
    if (!entry.features.some((feature) => feature.id === id)) throw invalid(`There is no feature ${id}.`)
  const nowMs = ctx.clock.now().getTime()
  const record: IncidentRecord = {
    id: ctx.newId(),
    serviceId: input.serviceId,
    outageId: null,
    state: 'confirmed',
    pinnedState: 'confirmed',
    operatorCause: null,
    startedAtMs: nowMs,
    confirmedAtMs: nowMs,
    resolvedAtMs: null,
    updatedAtMs: nowMs,
    mergedInto: null,
    facts: {
      title,
      isTitleByOperator: true,
      impact: input.impact,
      causes: [],
      confidence: 1,
      contributions: {},
      featureIds: input.featureIds,
      regions: input.regions.length > 0 ? input.regions : entry.regions.map(({ id }) => id),
      detectedAtMs: nowMs,
      identifiedAtMs: null,
      recoveringAtMs: null,
      relapses: 0,
      recovered: { cells: 0, of: 0 },
      forecast: null,
      officialLagMs: null,
    },
  }
  const update = makeUpdate(ctx, input.actor, record, { state: 'confirmed', body }, nowMs)
  await ctx.store.write([
    writeIncident(record, null),
    writeUpdate(record.id, update),
    auditStatement(ctx, { actor: input.actor, action: 'open-incident', subject: record.id }),
  ])
  return tell(ctx, record, update)
}

/**
 * Merges incidents into one: it takes their features, regions and earliest beginning; they stay readable and say where
 * they went. Idempotent.
 */
export async function mergeIncidents(ctx: WatchCtx, input: MergeIncidentsInput): Promise<IncidentView> {
  requireOperator(input.actor, 'responder')
  const ids = [...new Set(input.incidentIds)].filter((id) => id !== input.intoId)
  return change(ctx, input.intoId, (into, nowMs) => {
    if (into.mergedInto !== null) throw invalid('The incident to merge into was merged itself.')
    const others = ids.map((id) => findOrAdopt(ctx, id))
    if (others.some(({ record }) => record.serviceId !== into.serviceId))
      throw invalid('Only incidents of one service can be merged.')
    const merging = others.filter(({ record }) => record.mergedInto !== into.id)
    if (merging.length === 0) return null
    const all = [into, ...merging.map(({ record }) => record)]
    return {
      after: {
        ...into,
        startedAtMs: Math.min(...all.map(({ startedAtMs }) => startedAtMs)),
        facts: {
          ...into.facts,
          featureIds: [...new Set(all.flatMap(({ facts }) => facts.featureIds))],
          regions: [...new Set(all.flatMap(({ facts }) => facts.regions))],
          detectedAtMs: Math.min(...all.map(({ facts }) => facts.detectedAtMs)),
        },
      },
      update: null,
      more: merging.map(({ record: other, seenAtMs }) =>
        writeIncident(
          {
            ...other,
            mergedInto: into.id,
            state: 'resolved',
            resolvedAtMs: other.resolvedAtMs ?? nowMs,
            updatedAtMs: Math.max(nowMs, other.updatedAtMs + 1),
          },
          seenAtMs,
        ),
      ),
      audit: { actor: input.actor, action: 'merge-incidents', facts: { merged: ids.join(' ') } },
    }
  })
}

interface Change {
  readonly after: IncidentRecord
  readonly update: { readonly state: OutageState; readonly body: string } | null
  readonly more?: readonly Statement[]
  readonly audit: Omit<Parameters<typeof auditStatement>[1], 'subject'>
}

/**
 * Reads, decides, writes; and does so again when the incident changed meanwhile, as the detector moves figures while an
 * operator acts. One that only another watch knows is taken over by it. Null: nothing is to be done.
 */
async function change(
  ctx: WatchCtx,
  incidentId: string,
  decide: (before: IncidentRecord, nowMs: number) => Change | null,
): Promise<IncidentView> {
  return retryRaces(async () => {
    const { record: before, seenAtMs } = findOrAdopt(ctx, incidentId)
    const nowMs = ctx.clock.now().getTime()
    const decided = decide(before, nowMs)
    if (!decided) return toView(ctx, before)
    const after = { ...decided.after, updatedAtMs: Math.max(nowMs, before.updatedAtMs + 1) }
    const update = decided.update && makeUpdate(ctx, decided.audit.actor, after, decided.update, nowMs)
    await ctx.store.write([
      writeIncident(after, seenAtMs),
      ...(update ? [writeUpdate(after.id, update)] : []),
      ...(decided.more ?? []),
      auditStatement(ctx, { ...decided.audit, subject: after.id }),
    ])
    return tell(ctx, after, update)
  })
}

/** Ours, or one that only another watch knows. `seenAtMs` is what `writeIncident` asks for. */
function findOrAdopt(
  ctx: WatchCtx,
  id: string,
): { readonly record: IncidentRecord; readonly seenAtMs: number | null } {
  const own = findIncident(ctx.store, id)
  return {
    record: own ?? ctx.others.adoptableRecord(ctx, id) ?? missing(id),
    seenAtMs: own?.updatedAtMs ?? null,
  }
}

function makeUpdate(
  ctx: WatchCtx,
  actor: Parameters<typeof nameOfActor>[0],
  record: IncidentRecord,
  says: { readonly state: OutageState; readonly body: string },
  nowMs: number,
): UpdateView {
  return {
    id: ctx.newId(),
    ...says,
    atMs: nowMs,
    author: nameOfActor(actor),
    affected: componentsAffected(ctx, record.serviceId, record.facts.featureIds, new Map()),
  }
}

function tell(ctx: WatchCtx, record: IncidentRecord, update: UpdateView | null): IncidentView {
  const incident = toView(ctx, record)
  ctx.live.tell({ kind: 'incident', serviceId: record.serviceId, incident, update })
  return incident
}

/** What words need of a record. */
export function wordingOfRecord(ctx: WatchCtx, record: IncidentRecord): Wording {
  const entry = ctx.catalog.find(record.serviceId)
  const [first] = record.facts.causes
  const names = entry
    ? namesOf(entry, record.facts.featureIds, record.facts.regions)
    : { features: [...record.facts.featureIds], regions: [...record.facts.regions] }
  return {
    ...names,
    cause: record.operatorCause ?? first?.cause ?? 'unknown',
    causeProbability: record.operatorCause ? 1 : (first?.probability ?? 0),
    isCauseByOperator: record.operatorCause !== null,
    contributions: record.facts.contributions,
    declared: record.facts.declared,
    startedAtMs: record.startedAtMs,
    recovered: record.facts.recovered,
    forecast: record.facts.forecast,
  }
}

function missing(id: string): never {
  throw notFound('incident', id)
}

const invalid = (detail: string) => new WatchError('invalid-input', { detail })

function checkText(text: string, field: string, maxLength: number): string {
  const trimmed = text.trim()
  if (trimmed === '') throw new WatchError('invalid-input', { fields: { [field]: 'takes some text' } })
  if (trimmed.length > maxLength)
    throw new WatchError('invalid-input', { fields: { [field]: `takes at most ${maxLength} characters` } })
  return trimmed
}
