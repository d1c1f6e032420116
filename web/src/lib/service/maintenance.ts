/** What is said of maintenance: ahead of it, while it lasts, and while all is looked at again. */
import type { Maintenance } from '#lib/api/types.ts'
import { formatClock, formatDateTime, formatDay } from '#lib/i18n/format-more.ts'
import { t } from './banner-texts.ts'

export interface MaintenanceNotice {
  /** The same as long as it says the same: who hid it does not see it again. */
  readonly key: string
  readonly text: string
  /** Until it begins one may hide it; then it explains what is missing. */
  readonly canHide: boolean
}

export function noticeOf(maintenance: Maintenance, nowMs: number): MaintenanceNotice {
  const { id, state, startsAt, endsAt } = maintenance
  const key = `${id} ${state} ${startsAt} ${endsAt}`
  const text = maintenance.text.trim()
  if (state === 'verifying') return { key, text: t('maintenance.verifying'), canHide: false }
  if (state === 'under-way') {
    const isLate = Date.parse(endsAt) < nowMs
    const words = isLate
      ? t('maintenance.late', { text })
      : t('maintenance.now', { to: timeOf(endsAt, nowMs), text })
    return { key, text: words, canHide: false }
  }
  const words = isSameDay(startsAt, endsAt)
    ? t('maintenance.ahead', {
        day: formatDay(startsAt),
        from: formatClock(startsAt),
        to: formatClock(endsAt),
        text,
      })
    : t('maintenance.aheadOver', { from: formatDateTime(startsAt), to: formatDateTime(endsAt), text })
  return { key, text: words, canHide: true }
}

const isSameDay = (one: string | number, other: string | number): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString()

const timeOf = (at: string, nowMs: number): string =>
  isSameDay(at, nowMs) ? formatClock(at) : formatDateTime(at)
