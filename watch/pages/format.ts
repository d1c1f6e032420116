/** Times, durations and shares as people read them. */
import { createTimeFormatters } from '../app/time-formatters.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const formatterOf = createTimeFormatters({
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
})

/** Parts of an instant in a time zone. */
function partsOf(at: Date, timeZone: string) {
  const parts = Object.fromEntries(
    formatterOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const zone = parts['timeZoneName'] ?? timeZone
  return {
    day: Number(parts['day']),
    month: Number(parts['month']),
    year: Number(parts['year']),
    time: `${parts['hour']}:${parts['minute']}`,
    zone: zone === 'GMT' ? 'UTC' : zone,
  }
}

/** `22 Nov 2026, 04:05 UTC`. */
export function formatInstant(at: Date, timeZone: string): string {
  const { day, month, year, time, zone } = partsOf(at, timeZone)
  return `${day} ${MONTHS[month - 1]} ${year}, ${time} ${zone}`
}

/** `04:05`, without its zone. */
export const formatTime = (at: Date, timeZone: string): string => partsOf(at, timeZone).time

/** `2026-11-22` as `22 Nov 2026`. */
export function formatDay(day: string): string {
  const [year, month, date] = day.split('-').map(Number)
  return `${date} ${MONTHS[(month ?? 1) - 1]} ${year}`
}

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, ms)
  if (whole < MINUTE_MS) return `${Math.round(whole / SECOND_MS)} s`
  if (whole < HOUR_MS) return `${Math.round(whole / MINUTE_MS)} min`
  if (whole < DAY_MS) {
    const minutes = Math.round(whole / MINUTE_MS)
    return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  }
  const hours = Math.round(whole / HOUR_MS)
  return joinUnits(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const joinUnits = (large: number, unit: string, small: number, smallUnit: string) =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`

/** `12 min ago`, `in 3 h`, `just now`. */
export function formatAge(at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime()
  if (Math.abs(ms) < 5 * SECOND_MS) return 'just now'
  return ms > 0 ? `${formatDuration(ms)} ago` : `in ${formatDuration(-ms)}`
}

/**
 * `99.98 %`; rounded down, so that a day with a fault never reads 100 %. Null is unknown and says so.
 */
export function formatShare(fraction: number | null): string {
  if (fraction === null) return 'unknown'
  if (fraction >= 1) return '100 %'
  const percent = Math.floor(fraction * 10_000) / 100
  return `${percent} %`
}

/** `120 ms`, `1.4 s`; null is unknown. */
export function formatMs(ms: number | null): string {
  if (ms === null) return 'unknown'
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
