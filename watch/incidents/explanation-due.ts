/** When a confirmed outage has to be explained in public. */

const DUE_AFTER_MS = 72 * 3_600_000

/** Null: it needs none (yet): it is not over, or was never more than suspected. */
export const explanationDueAtMs = (incident: {
  readonly confirmedAtMs: number | null
  readonly resolvedAtMs: number | null
}): number | null =>
  incident.confirmedAtMs !== null && incident.resolvedAtMs !== null
    ? incident.resolvedAtMs + DUE_AFTER_MS
    : null
