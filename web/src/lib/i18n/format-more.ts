/** Sizes and dates as people read them. */
import { UNKNOWN } from './format.ts'
import { locale } from './locale.svelte.ts'

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
