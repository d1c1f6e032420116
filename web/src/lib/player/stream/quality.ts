/** Which rendition to load: what the network carries, what the screen can show, what the person wants to spend. */
import type { Variant } from './playlist.ts'

export interface QualityInput {
  /** The estimate of the network. */
  readonly bandwidthBps: number
  /** Short edge of the player in device pixels. */
  readonly shortEdgePx: number
  /** The person asked the browser to save data. */
  readonly isSavingData: boolean
  /** What plays now, if anything does. */
  readonly current?: Variant | null
  /** Seconds of video that are loaded ahead. */
  readonly bufferedS: number
}

/** The part of the estimated bandwidth that a rendition may take when a video begins, and later. */
const START_SHARE = 0.5
const STEADY_SHARE = 0.75
/** Going up needs this much in store, so that a wrong guess is not seen. */
const UPGRADE_BUFFER_S = 4
const SAVING_DATA_MAX_EDGE_PX = 480

/** Chooses among variants that the device can play (at least one). */
export function chooseVariant(variants: readonly Variant[], input: QualityInput): Variant {
  const byCost = variants.toSorted((a, b) => a.bandwidthBps - b.bandwidthBps)
  const useful = byCost.filter((variant) => isUseful(variant, byCost, input))
  const share = input.current ? STEADY_SHARE : START_SHARE
  const affordable = useful.filter((variant) => variant.bandwidthBps <= input.bandwidthBps * share)
  const best = affordable.at(-1) ?? byCost[0]!
  const { current } = input
  if (current && best.bandwidthBps > current.bandwidthBps && input.bufferedS < UPGRADE_BUFFER_S)
    return current
  return best
}

/** More pixels than the player has are useless, but for the first rendition that reaches them. */
function isUseful(variant: Variant, byCost: readonly Variant[], input: QualityInput): boolean {
  const edge = shortEdgeOf(variant)
  const maxEdgePx = input.isSavingData
    ? Math.min(SAVING_DATA_MAX_EDGE_PX, input.shortEdgePx)
    : input.shortEdgePx
  const smallestThatReaches = byCost
    .map(shortEdgeOf)
    .filter((other) => other >= maxEdgePx)
    .sort((a, b) => a - b)[0]
  return smallestThatReaches === undefined || edge <= smallestThatReaches
}

function shortEdgeOf(variant: Variant): number {
  return Math.min(variant.width ?? Infinity, variant.height ?? Infinity)
}

export interface BandwidthEstimator {
  /** The estimate; the initial guess until something was measured. */
  read(): number
  /** Adds a measured transfer. Small or instant ones say nothing (they come from a cache) and are left out. */
  add(sizeBytes: number, durationMs: number): void
}

const MIN_SAMPLE_BYTES = 16_384
const MIN_SAMPLE_MS = 8

/** A transfer that takes as long as this moves the quick average half of the way; one that takes longer, further. */
const HALF_MS = 800

/** Two moving averages, one quick and one slow: the lower one counts, so it falls fast and rises with care. */
export function createBandwidthEstimator(initialBps: number): BandwidthEstimator {
  let quickBps = initialBps
  let slowBps = initialBps
  return {
    read: () => Math.min(quickBps, slowBps),
    add(sizeBytes, durationMs) {
      if (sizeBytes < MIN_SAMPLE_BYTES || durationMs < MIN_SAMPLE_MS) return
      const bps = (sizeBytes * 8000) / durationMs
      quickBps += (bps - quickBps) * (1 - 0.5 ** Math.max(1, durationMs / HALF_MS))
      slowBps += (bps - slowBps) * 0.2
    },
  }
}

const DEFAULT_BPS = 4_000_000

/** Below it a line is slow; from here on a page's own files are too small to tell how fast it is. */
export const SLOW_BPS = 1_000_000

/** A first guess from what the device last measured, or from what the browser says of the connection. */
export function guessBandwidthBps(input: {
  /** How fast the page itself came; null: it came from a cache. @default null */
  readonly pageBps?: number | null
  readonly remembered: { readonly bps: number; readonly ageMs: number } | null
  readonly downlinkMbps: number | null
  readonly effectiveType: string | null
}): number {
  if (input.pageBps && input.pageBps < SLOW_BPS) return input.pageBps
  if (input.effectiveType === 'slow-2g' || input.effectiveType === '2g') return 120_000
  if (input.effectiveType === '3g') return 700_000
  if (input.remembered && input.remembered.ageMs < 3_600_000) return input.remembered.bps
  // The browser's figure is capped at 10 and rounded; it is taken with a pinch of salt.
  return input.downlinkMbps ? Math.max(400_000, input.downlinkMbps * 1_000_000 * 0.7) : DEFAULT_BPS
}
