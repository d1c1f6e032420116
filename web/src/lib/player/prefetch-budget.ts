/** How much may be fetched ahead of what somebody looks at, as things are now. */
import { preferences } from '#lib/preferences/preferences.svelte.ts'
import { modeOf, service } from '#lib/service/service.svelte.ts'
import { bandwidth, effectiveType, isSavingData } from './stream/network.ts'

export interface PrefetchConditions {
  readonly isSavingData: boolean
  readonly effectiveType: string | null
  readonly isHidden: boolean
  readonly isOnline: boolean
  /** The service has no capacity for what nobody looks at yet. */
  readonly isPaused: boolean
  readonly bandwidthBps: number
  /** What the person allows. @default no limit of theirs */
  readonly allowedBytes?: number
}

const MEGABYTE = 1_000_000
const MAX_BUDGET_BYTES = 3 * MEGABYTE
/** What is fetched ahead may take this much of the network's time. */
const BUDGET_S = 2

/** How many bytes may be fetched ahead for one video; 0 means: nothing at all. */
export function prefetchBudgetBytes(conditions: PrefetchConditions): number {
  if (conditions.isHidden || !conditions.isOnline || conditions.isSavingData || conditions.isPaused) return 0
  if (conditions.effectiveType === 'slow-2g' || conditions.effectiveType === '2g') return 0
  const affordable = Math.min(
    conditions.allowedBytes ?? Infinity,
    Math.floor((conditions.bandwidthBps / 8) * BUDGET_S),
  )
  return Math.min(conditions.effectiveType === '3g' ? MEGABYTE / 2 : MAX_BUDGET_BYTES, affordable)
}

/** From level 1 on nothing is fetched ahead. */
export const isPrefetchPaused = (): boolean => (service.level ?? 0) > 0 || modeOf('prefetch') !== 'on'

/** The conditions as they are now. */
export function currentConditions(): PrefetchConditions {
  return {
    isSavingData: isSavingData(),
    effectiveType: effectiveType(),
    isHidden: document.hidden,
    isOnline: navigator.onLine !== false,
    isPaused: isPrefetchPaused(),
    bandwidthBps: bandwidth().read(),
    allowedBytes: preferences.fetchAheadMb * MEGABYTE,
  }
}
