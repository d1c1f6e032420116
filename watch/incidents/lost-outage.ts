/**
 * Incidents whose outage the detector does not know any more: its memory was refused, its service's features changed, or the
 * end was told while nothing could be written. Pure.
 */
import type { CellView, Outage, OutageState } from '../../engines/detect/types.ts'
import type { IncidentRecord } from './records.ts'
import { bodyOf, unconfirmedBody, unwatchedBody, type Wording } from './words.ts'

/** As long as the detector takes, with the weakest of witnesses, until it believes that something works again. */
const HOLD_MS = 5 * 60_000

/** What is known of where it was. */
export interface Whereabouts {
  readonly nowMs: number
  /** Since when the outage has been missing. */
  readonly lostSinceMs: number
  /** All of the service; null: it is not watched any more. */
  readonly cells: readonly CellView[] | null
  readonly wording: Wording
}

export interface Closed {
  readonly record: IncidentRecord
  readonly update: { readonly state: OutageState; readonly body: string }
  /** Since when it has been over; an operator who spoke later knows better. */
  readonly backAtMs: number
}

/** Whether the new outage is what the incident has been telling of. */
export const isOfIncident = (outage: Outage, { serviceId, facts }: IncidentRecord): boolean =>
  serviceId === outage.serviceId &&
  outage.state !== 'resolved' &&
  facts.featureIds.some((id) => outage.featureIds.includes(id)) &&
  facts.regions.some((id) => outage.regions.includes(id))

/** Closes the incident as far as it is seen to be over. Null: that is not known (yet), and silence is no health. */
export function closeLost(before: IncidentRecord, where: Whereabouts): Closed | null {
  const { nowMs, lostSinceMs, cells, wording } = where
  const isLongLost = nowMs - lostSinceMs >= HOLD_MS
  const concerned = cells?.filter(
    ({ featureId, region }) =>
      before.facts.featureIds.includes(featureId) && before.facts.regions.includes(region),
  )
  if (!concerned || concerned.length === 0)
    return isLongLost ? closeAt(before, where, nowMs, unwatchedBody(wording)) : null
  if (before.confirmedAtMs === null) {
    const isRefuted = concerned.every(({ state }) => state === 'up' || state === 'unknown')
    return isLongLost && isRefuted ? closeAt(before, where, nowMs, unconfirmedBody(wording)) : null
  }
  // It was seen after it had begun, so it was not over before it was seen.
  let backAtMs = before.confirmedAtMs
  for (const { state, sinceMs } of concerned) {
    if (state !== 'up' || sinceMs === null || nowMs - sinceMs < HOLD_MS) return null
    backAtMs = Math.max(backAtMs, sinceMs)
  }
  return closeAt(before, where, backAtMs, bodyOf('resolved', wording, backAtMs))
}

const closeAt = (before: IncidentRecord, { nowMs }: Whereabouts, backAtMs: number, body: string): Closed => ({
  record: {
    ...before,
    state: 'resolved',
    pinnedState: null,
    resolvedAtMs: backAtMs,
    updatedAtMs: Math.max(nowMs, before.updatedAtMs + 1),
    facts: { ...before.facts, forecast: null },
  },
  update: { state: 'resolved', body },
  backAtMs,
})
