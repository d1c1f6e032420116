/** Incidents that only other watches know, taken over by an operator here who has something to say about them. */
import type { WatchCtx } from '../app/context.ts'
import { findIncident, type IncidentRecord, writeIncident } from '../incidents/index.ts'
import type { Statement as SqlStatement } from '../store/index.ts'
import { findStatements } from './records.ts'

/**
 * A record to begin with, under the id that the other watch gave it: the same id is the same outage, and what is said here
 * goes to the other watch with it. Null: no watch knows it.
 */
export function adoptableRecord(ctx: WatchCtx, id: string): IncidentRecord | null {
  const [statement] = findStatements(ctx.store, id).toSorted((a, b) => b.version - a.version)
  if (!statement || !ctx.catalog.find(statement.serviceId)) return null
  return {
    id,
    serviceId: statement.serviceId,
    outageId: null,
    state: statement.state,
    pinnedState: null,
    operatorCause: null,
    startedAtMs: statement.startedAtMs,
    confirmedAtMs: statement.confirmedAtMs,
    resolvedAtMs: statement.resolvedAtMs,
    updatedAtMs: statement.version,
    mergedInto: null,
    facts: {
      title: statement.title,
      isTitleByOperator: false,
      impact: statement.impact,
      causes: statement.causes,
      confidence: statement.confidence,
      contributions: {},
      featureIds: statement.featureIds,
      regions: statement.regions,
      detectedAtMs: statement.detectedAtMs,
      identifiedAtMs: statement.identifiedAtMs,
      recoveringAtMs: statement.recoveringAtMs,
      relapses: statement.relapses,
      recovered: statement.recovered,
      forecast: null,
      officialLagMs: statement.officialLagMs,
      isAdopted: true,
    },
  }
}

/** To be written before anything that belongs to an incident: takes one over that only another watch knows. */
export function adoptionOf(ctx: WatchCtx, id: string): SqlStatement[] {
  if (findIncident(ctx.store, id)) return []
  const record = adoptableRecord(ctx, id)
  return record ? [writeIncident(record, null)] : []
}
