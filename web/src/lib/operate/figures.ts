/** Figures of the operator's page as text; what is unknown is a dash, never a 0. */
import { UNKNOWN } from '#lib/i18n/format.ts'
import { formatBytes } from '#lib/i18n/format-more.ts'
import { locale } from '#lib/i18n/locale.svelte.ts'

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** 75 → "1 min"; whole units, rounded down. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN
  const [unit, unitS] = UNITS.find(([, lengthS]) => seconds >= lengthS) ?? UNITS[3]
  return new Intl.NumberFormat(locale.current, { style: 'unit', unit, unitDisplay: 'short' }).format(
    Math.max(0, Math.floor(seconds / unitS)),
  )
}

/** How long ago an instant is. */
export function formatSince(at: string | null | undefined, nowMs: number): string {
  return at ? formatSeconds((nowMs - Date.parse(at)) / 1000) : UNKNOWN
}

/** "14:05:03.2": moments of a restoration lie close together. */
export function formatMoment(at: string): string {
  return new Intl.DateTimeFormat(locale.current, { timeStyle: 'medium' })
    .formatToParts(new Date(at))
    .map(({ type, value }) =>
      type === 'second' ? `${value}.${Math.floor((Date.parse(at) % 1000) / 100)}` : value,
    )
    .join('')
}

/** 1234.5 → "1,235"; below ten with one decimal. */
export function formatFigure(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  return new Intl.NumberFormat(locale.current, {
    maximumFractionDigits: Math.abs(value) < 10 || Math.abs(value) >= 100_000 ? 1 : 0,
    notation: Math.abs(value) >= 100_000 ? 'compact' : 'standard',
  }).format(value)
}

export const formatMs = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? UNKNOWN : `${formatFigure(ms)} ms`

export const formatShare = (share: number | null | undefined): string =>
  share === null || share === undefined
    ? UNKNOWN
    : new Intl.NumberFormat(locale.current, { style: 'percent', maximumFractionDigits: 0 }).format(share)

export const formatSize = (bytes: number | null | undefined): string => formatBytes(bytes ?? null)
