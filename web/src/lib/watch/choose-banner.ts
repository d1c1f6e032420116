/** What of the watch's status is worth a banner: one thing, or nothing. */
import type * as contract from '../../../../contract/index.ts'

export interface Banner {
  /** The same as long as it says the same: who hid it does not see it again. */
  readonly key: string
  readonly kind: 'fault' | 'recovering' | 'maintenance'
  readonly title: string
  readonly advice: string
  readonly url: string
  /** When the watch saw it, once that is too long ago to go without saying. */
  readonly asOfMs: number | null
}

const STALE_AFTER_MS = 120_000
/** What was seen longer ago than this says nothing about now. */
const FORGOTTEN_AFTER_MS = 6 * 3_600_000

/** Suspicions are left to the status page: a banner that comes and goes teaches people to look away. */
export function chooseBanner(status: contract.WatchStatus, nowMs: number): Banner | null {
  const asOfMs = Date.parse(status.asOf)
  if (nowMs - asOfMs > FORGOTTEN_AFTER_MS) return null
  const staleAsOfMs = nowMs - asOfMs > STALE_AFTER_MS || status.isBlind ? asOfMs : null
  const incident = status.incidents.find(({ state }) => state !== 'suspected' && state !== 'resolved')
  if (incident)
    return {
      key: `${incident.id} ${incident.state}`,
      kind: incident.state === 'recovering' ? 'recovering' : 'fault',
      title: incident.title,
      advice: incident.advice,
      url: incident.url,
      asOfMs: staleAsOfMs,
    }
  const maintenance = status.maintenances.find(
    ({ startsAt, endsAt }) => Date.parse(startsAt) <= nowMs && nowMs < Date.parse(endsAt),
  )
  return maintenance
    ? {
        key: maintenance.id,
        kind: 'maintenance',
        title: maintenance.title,
        advice: '',
        url: maintenance.url,
        asOfMs: null,
      }
    : null
}
