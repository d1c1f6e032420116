/** A record as people see it: with what was said of it. Below whatever lays other watches' words over it. */
import type { WatchCtx } from '../app/context.ts'
import { namedCause } from './apply-outage.ts'
import { explanationDueAtMs } from './explanation-due.ts'
import { readWords, type IncidentRecord, type IncidentWords } from './records.ts'
import type { IncidentView } from './views.ts'

/** An incident of this watch's own: as it is kept, and as it is shown. */
export interface OwnIncident {
  readonly record: IncidentRecord
  readonly view: IncidentView
}

/** Each with its view, in the order given. */
export function toOwns(ctx: WatchCtx, records: readonly IncidentRecord[]): OwnIncident[] {
  const wordsOf = readWords(
    ctx.store,
    records.map(({ id }) => id),
  )
  return records.map((record) => ({ record, view: withWords(record, wordsOf(record.id)) }))
}

/** The record with its updates and its explanation, as people see it. */
export const toView = (ctx: WatchCtx, record: IncidentRecord): IncidentView =>
  withWords(record, readWords(ctx.store, [record.id])(record.id))

function withWords(record: IncidentRecord, words: IncidentWords): IncidentView {
  const { isTitleByOperator: _, isAdopted: _adopted, ...facts } = record.facts
  return {
    ...facts,
    id: record.id,
    serviceId: record.serviceId,
    outageId: record.outageId,
    state: record.state,
    cause: namedCause(record) ?? 'unknown',
    isCauseByOperator: record.operatorCause !== null,
    startedAtMs: record.startedAtMs,
    confirmedAtMs: record.confirmedAtMs,
    resolvedAtMs: record.resolvedAtMs,
    updatedAtMs: record.updatedAtMs,
    ...words,
    explanationDueAtMs: explanationDueAtMs(record),
    mergedInto: record.mergedInto,
  }
}
