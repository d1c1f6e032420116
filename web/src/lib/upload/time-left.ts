/** Seconds as people say them while they wait: rounded, for an estimate is no clock. */
import { locale } from '#lib/i18n/locale.svelte.ts'

/** 7 → "7 sec", 95 → "2 min", 5400 → "1.5 hr". */
export function formatTimeLeft(seconds: number): string {
  const [value, unit] =
    seconds < 55
      ? ([
          Math.max(1, Math.round(seconds / (seconds < 10 ? 1 : 5)) * (seconds < 10 ? 1 : 5)),
          'second',
        ] as const)
      : seconds < 3300
        ? ([Math.max(1, Math.round(seconds / 60)), 'minute'] as const)
        : ([Math.round(seconds / 1800) / 2, 'hour'] as const)
  return new Intl.NumberFormat(locale.current, { style: 'unit', unit, unitDisplay: 'short' }).format(value)
}
