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

/** What memory knows better than the disk stands before it, and beside it what the disk has nothing of. */
export function withUnwritten(
  owns: readonly OwnIncident[],
  unwritten: readonly OwnIncident[],
): readonly OwnIncident[] {
  if (unwritten.length === 0) return owns
  const byId = new Map(unwritten.map((own) => [own.record.id, own]))
  const known = owns.map((own) => byId.get(own.record.id) ?? own)
  const ids = new Set(owns.map(({ record }) => record.id))
  return [...unwritten.filter(({ record }) => !ids.has(record.id)), ...known]
}

/** The record with its updates and its explanation, as people see it. */
export const toView = (ctx: WatchCtx, record: IncidentRecord): IncidentView =>
  withWords(record, readWords(ctx.store, [record.id])(record.id))

function withWords(record: IncidentRecord, words: IncidentWords): IncidentView {
  const { isTitleByOperator: _, isAdopted: _adopted, declaredAtMs: _said, ...facts } = record.facts
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
