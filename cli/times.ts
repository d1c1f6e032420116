/** Times as a person types and reads them. */
import { UsageError } from './arguments.ts'

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `90s`, `30m`, `2h`, `1d` in seconds. @throws {UsageError} */
export function readDuration(text: string | undefined, option: string): number {
  const parts = /^(\d{1,6})([smhd])$/.exec(text ?? '')
  if (!parts) throw new UsageError(`${option} takes a time such as 90s, 30m, 2h or 1d.`)
  return Number(parts[1]) * UNIT_S[parts[2]!]!
}

/** An instant such as `2026-03-01T02:00Z`, this machine's `2026-03-01 02:00`, or `+30m` from now. @throws {UsageError} */
export function readInstant(text: string | undefined, option: string, now: Date): Date {
  if (text?.startsWith('+')) return new Date(now.getTime() + readDuration(text.slice(1), option) * 1_000)
  const at = new Date(text ?? '')
  if (Number.isNaN(at.getTime()))
    throw new UsageError(`${option} takes a time such as 2026-03-01T02:00Z, or +30m for in half an hour.`)
  return at
}

/** `12 s`, `3 min`, `5 h`, `2 days`. */
export function ageInWords(at: string | null, now: Date): string {
  if (at === null) return 'never'
  return spanInWords(Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1_000)))
}

/** The same of a number of seconds. */
export function spanInWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** `21:40 CET (in 12 min)` by this machine's clock and zone; of another day with its date. */
export function instantInWords(at: string, now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const then = new Date(at)
  const clock = `${two(then.getHours())}:${two(then.getMinutes())} ${zoneOf(then)}`
  const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`
  const when = then.toDateString() === now.toDateString() ? clock : `${day} ${clock}`
  return then > now
    ? `${when} (in ${ageInWords(now.toISOString(), then)})`
    : `${when} (${ageInWords(at, now)} ago)`
}

/** "CET", or "GMT+5:30" where a zone has no letters of its own; summer time has its own. */
const zoneOf = (at: Date): string =>
  new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')!.value

/** Not as a part of a longer word: names of files have instants, too. */
const INSTANT = /(?<![\w/-])\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z(?!\w)/g

/** A text of the machine with each instant in it as `instantInWords` has it. */
export const timesInWords = (text: string, now: Date): string =>
  text.replaceAll(INSTANT, (at) => (Number.isNaN(Date.parse(at)) ? at : instantInWords(at, now)))
