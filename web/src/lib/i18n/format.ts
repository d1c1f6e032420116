/** Numbers and times as people read them. */
import { locale } from './locale.svelte.ts'

/** What stands where a number is not known; never 0. */
export const UNKNOWN = '–'

/** 1234 → "1.2K"; null → "–". */
export function formatCount(count: number | null | undefined): string {
  if (count === null || count === undefined) return UNKNOWN
  return new Intl.NumberFormat(locale.current, { notation: 'compact', maximumFractionDigits: 1 }).format(
    count,
  )
}

/** 5_200_000 → "5.2 MB". */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return new Intl.NumberFormat(locale.current, {
    style: 'unit',
    unit: units[step]!,
    // The short form of English has no plural for the smallest one: "19 byte".
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value)
}

/** 65_000 → "1:05". */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000))
  const minutes = Math.floor(seconds / 60)
  const rest = String(seconds % 60).padStart(2, '0')
  if (minutes < 60) return `${minutes}:${rest}`
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** "3 hr. ago"; under a minute "now". */
export function formatAgo(at: string | number | Date, nowMs = Date.now()): string {
  const deltaMs = new Date(at).getTime() - nowMs
  const relative = new Intl.RelativeTimeFormat(locale.current, { numeric: 'auto', style: 'short' })
  for (const [unit, unitMs] of STEPS) {
    if (Math.abs(deltaMs) >= unitMs) return relative.format(Math.trunc(deltaMs / unitMs), unit)
  }
  return relative.format(0, 'second')
}

/** "3 hours", for "This is what we had 3 hours ago". */
export function formatSpan(spanMs: number): string {
  const [unit, unitMs] =
    STEPS.slice(2).find(([, stepMs]) => spanMs >= stepMs) ?? (['minute', 60_000] as const)
  return new Intl.NumberFormat(locale.current, { style: 'unit', unit, unitDisplay: 'long' }).format(
    Math.max(1, Math.floor(spanMs / unitMs)),
  )
}

/** "22 November 2026 at 14:05". */
export function formatDateTime(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale.current, { dateStyle: 'long', timeStyle: 'short' }).format(
    new Date(at),
  )
}

/** "24 November". */
export function formatDay(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale.current, { day: 'numeric', month: 'long' }).format(new Date(at))
}

/** "14:05". */
export function formatClock(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale.current, { timeStyle: 'short' }).format(new Date(at))
}

/** "November 2026". */
export function formatMonth(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale.current, { month: 'long', year: 'numeric' }).format(new Date(at))
}
