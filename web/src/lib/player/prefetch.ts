/**
 * Fetches the beginning of the videos that come next, within a budget of bytes, so that a swipe shows a frame at once.
 */
import {
  readInit,
  readMaster,
  readMedia,
  streamSegment,
  type TransferProgress,
} from './stream/fetch-media.ts'
import { bandwidth, isSavingData } from './stream/network.ts'
import { chooseVariant } from './stream/quality.ts'

const AHEAD = { isAhead: true }

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
    // Half a segment is no beginning: what would go over the budget is not begun.
    const count = (chunk: Uint8Array, { receivedBytes, sizeBytes }: TransferProgress) => {
      const isWithin = (sizeBytes ?? receivedBytes) - receivedBytes + chunk.byteLength <= leftBytes
      if (!isWithin) throw new BudgetSpentError()
      leftBytes -= chunk.byteLength
    }
    await streamSegment(first.url, input.signal, count, AHEAD)
  }
}
