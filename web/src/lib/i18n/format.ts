/** Counts and spans of time as people read them; sizes and dates are in `format-more.ts`. */
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
