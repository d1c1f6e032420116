/** Instants in what the machine says of orders, as a person reads them. */
import { formatClock, formatDateTime } from '#lib/i18n/format-more.ts'
import { locale } from '#lib/i18n/locale.svelte.ts'
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

/** From here on the clock alone says it better. */
const FAR_MS = 90 * 60_000

/** "21:40, in 12 min", "21:40, 3 min ago"; what is further off by the clock alone, and of another day with its date. */
export function wordsOfTime(at: string, nowMs: number): string {
  const atMs = Date.parse(at)
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  const when = isToday ? formatClock(at) : formatDateTime(at)
  const awayMs = Math.abs(atMs - nowMs)
  if (awayMs > FAR_MS) return when
  const isSoon = awayMs < 60_000
  // Rounded as a person would: an order for a quarter of an hour ends in 15 minutes, not in 14.
  const span = new Intl.NumberFormat(locale.current, {
    style: 'unit',
    unit: isSoon ? 'second' : 'minute',
    unitDisplay: 'short',
    maximumFractionDigits: 0,
  }).format(awayMs / (isSoon ? 1000 : 60_000))
  return atMs > nowMs ? t('time.ahead', { when, span }) : t('time.ago', { when, span })
}

/** The same text as plain words. */
export const tellTimes = (text: string, nowMs: number): string =>
  splitTimes(text)
    .map((part) => (part.isTime ? wordsOfTime(part.text, nowMs) : part.text))
    .join('')
