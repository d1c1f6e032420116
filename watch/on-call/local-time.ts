/** Days and times of day in a time zone, also where its clocks are put forward and back. Pure. */
import { createTimeFormatters } from '../app/time-formatters.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const formatterOf = createTimeFormatters({
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
})

/** The wall's date and time, written as if it were UTC. */
function wallMs(atMs: number, timeZone: string): number {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type)!
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
}

/** The day there, as a number since 1970-01-01. */
export const localDayOf = (atMs: number, timeZone: string): number =>
  Math.floor(wallMs(atMs, timeZone) / DAY_MS)

/**
 * When the wall shows this minute of this day. Of an hour that comes twice it is the first; a time that is skipped is as
 * much later as the clocks are put forward (as in RFC 5545, 3.3.5).
 */
export function instantOf(day: number, minute: number, timeZone: string): number {
  const wanted = day * DAY_MS + minute * MINUTE_MS
  const offsetBefore = offsetAt(wanted - DAY_MS, timeZone)
  const offsetAfter = offsetAt(wanted + DAY_MS, timeZone)
  const candidates = [wanted - offsetBefore, wanted - offsetAfter].filter(
    (atMs) => wallMs(atMs, timeZone) === wanted,
  )
  return candidates.length > 0 ? Math.min(...candidates) : wanted - offsetBefore
}

function offsetAt(atMs: number, timeZone: string): number {
  const whole = Math.floor(atMs / 1000) * 1000
  return wallMs(whole, timeZone) - whole
}

/** 0 is Sunday. 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7

/** `2026-01-05` as a day since 1970-01-01. */
export const dayOfDate = (date: string): number => Date.parse(`${date}T00:00:00Z`) / DAY_MS

/** `09:30` as minutes. */
export function minuteOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number)
  return hour! * 60 + minute!
}

/** `2026-11-22T09:30`, as a browser's field for a local time wants it. */
export const toFieldValue = (atMs: number, timeZone: string): string =>
  new Date(wallMs(atMs, timeZone)).toISOString().slice(0, 16)

/** The instant of such a value; null when it is none. */
export function fromFieldValue(value: string, timeZone: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})$/.exec(value)
  if (!match) return null
  const wall = Date.parse(`${value}:00Z`)
  return Number.isNaN(wall) ? null : instantOf(dayOfDate(match[1]!), minuteOf(match[2]!), timeZone)
}
