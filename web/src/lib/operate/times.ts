/** Instants in what the machine says of orders, as a person reads them. */
import { formatClock, formatDateTime } from '#lib/i18n/format-more.ts'
import { formatSeconds } from './figures.ts'
import { t } from './texts.ts'

interface Part {
  readonly text: string
  /** It is an instant by ISO 8601. */
  readonly isTime: boolean
}

const INSTANT = /(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)/

/** A text in parts: instants, and what stands between them. */
export function splitTimes(text: string): Part[] {
  return text
    .split(INSTANT)
    .map((part, index) => ({ text: part, isTime: index % 2 === 1 && !Number.isNaN(Date.parse(part)) }))
    .filter((part) => part.text !== '')
}

/** "21:40, in 12 min", "21:40, 3 min ago"; of another day with its date. */
export function wordsOfTime(at: string, nowMs: number): string {
  const atMs = Date.parse(at)
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  const when = isToday ? formatClock(at) : formatDateTime(at)
  // Rounded as a person would: an order for a quarter of an hour ends in 15 minutes, not in 14.
  const seconds = Math.abs(atMs - nowMs) / 1000
  const span = formatSeconds(seconds < 60 ? Math.round(seconds) : Math.round(seconds / 60) * 60)
  return atMs > nowMs ? t('time.ahead', { when, span }) : t('time.ago', { when, span })
}

/** The same text as plain words. */
export const tellTimes = (text: string, nowMs: number): string =>
  splitTimes(text)
    .map((part) => (part.isTime ? wordsOfTime(part.text, nowMs) : part.text))
    .join('')
