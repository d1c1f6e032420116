/** A release of code in words: where it stands, and what the judge compares. */
import { UNKNOWN } from '#lib/i18n/format.ts'
import { formatSize } from './figures.ts'
import { locale } from '#lib/i18n/locale.svelte.ts'
import { t } from './texts.ts'
import type { CodeReleaseState, DocumentRelease, ReleaseEvidence } from './types.ts'

const ENDED = ['promoted', 'back']

export const isUnderWay = (code: CodeReleaseState | null): boolean =>
  code !== null && !ENDED.includes(code.phase)

/** How good it is that it stands there. */
export function toneOf({ phase }: CodeReleaseState): 'good' | 'warn' | 'bad' {
  if (phase === 'promoted') return 'good'
  return phase === 'back' || phase === 'going-back' ? 'bad' : 'warn'
}

export const isDocumentUnderWay = ({ phase }: DocumentRelease): boolean =>
  phase === 'waiting' || phase === 'checking' || phase === 'trial'

export function toneOfDocument({ phase }: DocumentRelease): 'good' | 'warn' | 'bad' {
  if (phase === 'in-force') return 'good'
  return phase === 'back' || phase === 'refused' ? 'bad' : 'warn'
}

const MEASURES = [
  'crash',
  'silence',
  'failures',
  'p99',
  'p90',
  'shed',
  'memory',
  'empty-feeds',
  'playback-failures',
  'playback-starts',
] as const

/** The name of a measure; one that is not known here keeps its own. */
export function nameMeasure(measure: string): string {
  const known = MEASURES.find((one) => one === measure)
  return known ? t(`measure.${known}`) : measure
}

/** "1.35 %", "3.3 MB/s"; a dash where nothing is known. */
export function formatEvidence(value: number | null, unit: ReleaseEvidence['unit']): string {
  if (value === null) return UNKNOWN
  if (unit === 'bytes-per-s')
    return t('releases.perSecond', { size: value < 0 ? `−${formatSize(-value)}` : formatSize(value) })
  return new Intl.NumberFormat(locale.current, { style: 'percent', maximumFractionDigits: 2 }).format(value)
}
