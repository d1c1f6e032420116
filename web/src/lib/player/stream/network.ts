/** What the browser says of the network, and what this device has measured of it. */
import { preferences } from '#lib/preferences/preferences.svelte.ts'
import { createBandwidthEstimator, guessBandwidthBps, type BandwidthEstimator } from './quality.ts'

interface Connection extends EventTarget {
  readonly saveData?: boolean
  readonly downlink?: number
  readonly effectiveType?: string
}

const MEMORY_KEY = 'upbeat.bandwidth'

function connection(): Connection | null {
  return (navigator as Navigator & { connection?: Connection }).connection ?? null
}

/** By the person's own choice, else by the browser's. */
export function isSavingData(): boolean {
  if (preferences.data !== 'system') return preferences.data === 'save'
  return connection()?.saveData === true
}

export function effectiveType(): string | null {
  return connection()?.effectiveType ?? null
}

let estimator: BandwidthEstimator | null = null

/** The page's one estimator: what one video learns, the next one uses. */
export function bandwidth(): BandwidthEstimator {
  estimator ??= createBandwidthEstimator(
    guessBandwidthBps({
      remembered: recall(),
      downlinkMbps: connection()?.downlink ?? null,
      effectiveType: effectiveType(),
      pageBps: pageBps(),
    }),
  )
  return estimator
}

/** By the largest file that came by the network since the page was opened. */
function pageBps(): number | null {
  const [largest] = performance
    .getEntriesByType('resource')
    .map((entry) => entry as PerformanceResourceTiming)
    .filter(({ transferSize }) => transferSize > 16_384)
    .sort((a, b) => b.transferSize - a.transferSize)
  return largest ? (largest.transferSize * 8000) / (largest.responseEnd - largest.responseStart) : null
}

/** Keeps the estimate for the next visit. */
export function rememberBandwidth(): void {
  try {
    localStorage.setItem(MEMORY_KEY, JSON.stringify({ bps: Math.round(bandwidth().read()), at: Date.now() }))
  } catch {
    // Storage is full or forbidden: the next visit guesses anew.
  }
}

function recall(): { bps: number; ageMs: number } | null {
  try {
    const { bps, at } = JSON.parse(localStorage.getItem(MEMORY_KEY) ?? 'null') ?? {}
    return typeof bps === 'number' && typeof at === 'number' ? { bps, ageMs: Date.now() - at } : null
  } catch {
    return null
  }
}
