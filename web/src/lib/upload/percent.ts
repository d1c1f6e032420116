/** Shares as people read them. */
import { locale } from '#lib/i18n/locale.svelte.ts'

/** 0.456 → "45%". Rounded down: 100% is said only when it is true. */
export function formatPercent(share: number): string {
  const floored = Math.floor(Math.min(1, Math.max(0, share)) * 100) / 100
  return new Intl.NumberFormat(locale.current, { style: 'percent' }).format(floored)
}
