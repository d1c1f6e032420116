/** This watch's own incidents as statements. */
import type { WatchCtx } from '../app/context.ts'
import type { IncidentRecord, OwnIncident } from '../incidents/index.ts'
import { STATEMENT_MAX_FEATURES, STATEMENT_MAX_UPDATES, type IncidentStatement } from './statement.ts'

/** A message has room for it, whatever is in it. */
export const STATEMENT_MAX_BYTES = 96 * 1024

/** Who says it: this watch, out of this store. */
export interface Origin {
  readonly origin: string
  readonly epoch: string
}

/** What this watch says of an incident of its own, in words that others keep. */
export function toStatement(
  ctx: WatchCtx,
  { record, view }: OwnIncident,
  { origin, epoch }: Origin,
): IncidentStatement {
  const { facts } = record
  const featureIds = facts.featureIds.slice(0, STATEMENT_MAX_FEATURES)
  return fit({
    origin,
    epoch,
    incidentId: record.id,
    serviceId: record.serviceId,
    version: record.updatedAtMs,
    state: record.state,
    impact: facts.impact,
    title: facts.title.slice(0, 500),
    featureIds,
    regions: [...facts.regions],
    startedAtMs: record.startedAtMs,
    detectedAtMs: facts.detectedAtMs,
    confirmedAtMs: record.confirmedAtMs,
    identifiedAtMs: facts.identifiedAtMs,
    recoveringAtMs: facts.recoveringAtMs,
    resolvedAtMs: record.resolvedAtMs,
    causes: facts.causes.map((cause) => ({
      ...cause,
      evidenceFor: [...cause.evidenceFor],
      evidenceAgainst: [...cause.evidenceAgainst],
    })),
    confidence: facts.confidence,
    contributions: { ...facts.contributions },
    relapses: facts.relapses,
    recovered: { ...facts.recovered },
    forecast: facts.forecast && {
      medianMs: facts.forecast.medianMs,
      lowMs: facts.forecast.lowMs,
      highMs: facts.forecast.highMs,
    },
    officialLagMs: facts.officialLagMs,
    mergedInto: record.mergedInto,
    isAdopted: facts.isAdopted ?? false,
    human: humanWordsOf(ctx, record),
    updates: view.updates.slice(0, STATEMENT_MAX_UPDATES).map((update) => ({
      ...update,
      affected: update.affected.slice(0, STATEMENT_MAX_FEATURES),
    })),
    explanation: view.publicExplanation && { ...view.publicExplanation },
  })
}

/** When a person said it stands in the audit log: the incident itself goes on changing. */
function humanWordsOf(ctx: WatchCtx, record: IncidentRecord): IncidentStatement['human'] {
  const saidAtMs = (...actions: string[]): number =>
    ctx.store.get<{ atMs: number | null }>(
      `select max(at_ms) as atMs from audit where subject = :id
         and action in (select value from json_each(:actions))`,
      { id: record.id, actions: JSON.stringify(actions) },
    )?.atMs ?? record.startedAtMs
  const { operatorCause, pinnedState, facts } = record
  return {
    cause: operatorCause && { value: operatorCause, atMs: saidAtMs('correct-cause') },
    state: pinnedState && {
      value: pinnedState,
      atMs: saidAtMs('confirm-outage', 'correct-cause', 'post-update', 'open-incident'),
    },
    title: facts.isTitleByOperator ? { value: facts.title, atMs: saidAtMs('open-incident') } : null,
  }
}

/** The oldest words, then features, are left out of one that would be too large. */
function fit(statement: IncidentStatement): IncidentStatement {
  // Most are far from it, and lists are made of hundreds of them.
  const words = statement.updates.reduce(
    (sum, { body, affected }) => sum + body.length + affected.length * 200,
    0,
  )
  if (statement.featureIds.length <= 100 && words + (statement.explanation?.body.length ?? 0) < 10_000)
    return statement
  let fitting = statement
  while (Buffer.byteLength(JSON.stringify(fitting)) > STATEMENT_MAX_BYTES)
    fitting =
      fitting.updates.length > 0
        ? { ...fitting, updates: fitting.updates.slice(0, Math.floor(fitting.updates.length / 2)) }
        : { ...fitting, featureIds: fitting.featureIds.slice(0, Math.floor(fitting.featureIds.length / 2)) }
  return fitting
}
