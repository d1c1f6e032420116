/**
 * Fetches the beginning of the videos that come next, within a budget of bytes, so that a swipe shows a frame at once.
 */
import { preferences } from '#lib/preferences/preferences.svelte.ts'
import { modeOf, service } from '#lib/service/service.svelte.ts'
import { readInit, readMaster, readMedia, streamSegment } from './stream/fetch-media.ts'
import { bandwidth, effectiveType, isSavingData } from './stream/network.ts'
import { chooseVariant } from './stream/quality.ts'

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

const AHEAD = { isAhead: true }
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

/** Stops a transfer as soon as it would go over the budget. */
export class BudgetSpentError extends Error {
  override readonly name = 'BudgetSpentError'
}

export interface PrefetchInput {
  readonly masterUrl: string
  readonly shortEdgePx: number
  readonly signal: AbortSignal
  readonly budgetBytes: number
}

/**
 * Brings a video's playlists, initialisation and first segments into the browser's cache: the same rendition that the
 * player will choose. Failures are of no consequence: the player meets them itself.
 */
export async function prefetchStart(input: PrefetchInput): Promise<void> {
  if (input.budgetBytes <= 0) return
  let leftBytes = input.budgetBytes
  const variants = await readMaster(input.masterUrl, AHEAD)
  const variant = chooseVariant(variants, {
    bandwidthBps: bandwidth().read(),
    shortEdgePx: input.shortEdgePx,
    isSavingData: isSavingData(),
    bufferedS: 0,
  })
  const urls = [variant.url, ...(variant.audioUrl ? [variant.audioUrl] : [])]
  const playlists = await Promise.all(urls.map((url) => readMedia(url, AHEAD)))
  await Promise.all(playlists.map((media) => readInit(media.mapUrl, AHEAD)))
  for (const media of playlists) {
    const first = media.segments[0]
    if (!first || input.signal.aborted) continue
    const count = (chunk: Uint8Array) => {
      leftBytes -= chunk.byteLength
      if (leftBytes < 0) throw new BudgetSpentError()
    }
    await streamSegment(first.url, input.signal, count, AHEAD)
  }
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
