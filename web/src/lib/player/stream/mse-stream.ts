/**
 * Our own HLS player over Media Source Extensions, for what this platform writes: CMAF segments, aligned renditions,
 * sound in a track of its own.
 *
 * It is small because it has to be there before the first frame, and it appends segments while they arrive.
 */
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import { MediaStatusError, readInit, readMaster, readMedia, streamSegment } from './fetch-media.ts'
import { bandwidth, isSavingData } from './network.ts'
import { segmentAt, UnsupportedPlaylistError, type MediaPlaylist, type Variant } from './playlist.ts'
import { chooseVariant } from './quality.ts'
import type { Stream, StreamFailure, StreamMode, StreamOptions } from './stream.ts'
import { createTrack, type Track } from './track.ts'

/** How far each mode loads ahead. Two segments of 2 s are enough to begin and to judge the network. */
const TARGET_AHEAD_S: Record<StreamMode, number> = { ahead: 3, active: 20, idle: 0 }
const RETRY = { maxTries: Infinity, baseDelayMs: 400, maxDelayMs: 8000 }
/** So often a "no" of the server is asked about again before it is believed. */
const MAX_REFUSALS = 2
/** A transfer is judged after so long, and given up when it would end after the buffer does. */
const JUDGE_TRANSFER_AFTER_MS = 1500
/** A playhead that stands this near before loaded media is helped over the gap. */
const MAX_GAP_S = 0.6

const AUDIO_CODEC = /^(mp4a|opus|ac-3|ec-3|flac)/i

class TooSlowError extends Error {
  override readonly name = 'TooSlowError'
}

interface MseOptions extends StreamOptions {
  /** The stream needs another player. */
  readonly onUnsupported: (cause: unknown) => void
}

/** What one SourceBuffer is filled from. */
interface Lane {
  readonly track: Track
  /** The segments that are in the buffer, by index. */
  readonly appended: Set<number>
  media: MediaPlaylist
  /** Null for sound, which has one rendition. */
  variant: Variant | null
  loading: AbortController | null
}

export function openMseStream(video: HTMLVideoElement, options: MseOptions): Stream {
  const closing = new AbortController()
  const { signal } = closing
  const source = new MediaSource()
  const lanes: Lane[] = []
  let mode = options.mode
  let variants: Variant[] = []
  /** Rung when the playhead, the mode or the buffer has changed. */
  const bell = createBell()
  /** Rung when a failed try should be repeated at once. */
  const retryBell = createBell()
  const wake = bell.ring

  async function start(): Promise<void> {
    const opened = new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }))
    const objectUrl = URL.createObjectURL(source)
    video.src = objectUrl
    variants = (await untilItWorks(() => readMaster(options.masterUrl))).filter(isPlayable)
    if (variants.length === 0) throw new DOMException('No rendition can be played here.', 'NotSupportedError')
    const first = choose(null, 0)
    const [media, audio] = await Promise.all([
      untilItWorks(() => readMedia(first.url)),
      first.audioUrl ? untilItWorks(() => readMedia(first.audioUrl!)) : null,
      opened,
    ])
    URL.revokeObjectURL(objectUrl)
    signal.throwIfAborted()
    source.duration = Math.max(media.durationS, audio?.durationS ?? 0)
    const open = (mime: string, of: MediaPlaylist, variant: Variant | null): Lane => ({
      track: createTrack(video, source, mime),
      appended: new Set(),
      media: of,
      variant,
      loading: null,
    })
    lanes.push(open(mimeOf(first), media, first))
    if (audio) lanes.push(open(audioMimeOf(first), audio, null))
    options.onRendition?.(first)
    await Promise.all(lanes.map(fill))
  }

  /** Keeps one lane filled until the stream is closed. */
  async function fill(lane: Lane): Promise<void> {
    let initUrl = ''
    while (!signal.aborted) {
      const aheadS = lane.track.bufferedAheadS(video.currentTime)
      const index = nextMissing(lane)
      if (index === null) {
        endIfComplete()
        if (lane.media.isComplete || mode === 'idle') await bell.rung()
        else await growPlaylist(lane)
        continue
      }
      if (aheadS >= TARGET_AHEAD_S[mode] || mode === 'idle') {
        await bell.rung()
        continue
      }
      if (lane.variant) await switchRendition(lane, aheadS)
      // The initialisation is fetched beside the first segment, and appended before it.
      let ready: Promise<void> = Promise.resolve()
      if (initUrl !== lane.media.mapUrl) {
        const { mapUrl } = lane.media
        ready = untilItWorks(() => readInit(mapUrl)).then((bytes) => lane.track.append(bytes))
        ready.catch(() => {})
        initUrl = mapUrl
      }
      await loadSegment(lane, index, ready)
    }
  }

  async function switchRendition(lane: Lane, aheadS: number): Promise<void> {
    const wanted = choose(lane.variant, aheadS)
    if (wanted === lane.variant) return
    const media = await untilItWorks(() => readMedia(wanted.url))
    signal.throwIfAborted()
    const mime = mimeOf(wanted)
    if (mime !== mimeOf(lane.variant!)) lane.track.buffer.changeType(mime)
    lane.variant = wanted
    lane.media = media
    options.onRendition?.(wanted)
  }

  /** Loads one segment; a seek, a close or a transfer that is too slow ends it early. */
  async function loadSegment(lane: Lane, index: number, ready: Promise<void>): Promise<void> {
    const segment = lane.media.segments[index]!
    const { variant } = lane
    const isCheapest = !variant || variants.every((other) => other.bandwidthBps >= variant.bandwidthBps)
    const loading = new AbortController()
    lane.loading = loading
    try {
      await untilItWorks(
        async () => {
          try {
            await streamSegment(segment.url, AbortSignal.any([signal, loading.signal]), async (chunk, progress) => {
              if (!isCheapest && isTooSlow(lane, progress)) {
                bandwidth().add(progress.receivedBytes, progress.elapsedMs)
                loading.abort(new TooSlowError(segment.url))
              }
              await ready
              await lane.track.append(chunk)
            })
          } catch (error) {
            await lane.track.resetParser()
            throw error
          }
        },
        () => loading.signal.aborted,
      )
      lane.appended.add(index)
      stepOverGap()
    } catch (error) {
      if (signal.aborted || !loading.signal.aborted) throw error
    } finally {
      lane.loading = null
    }
  }

  function isTooSlow(
    lane: Lane,
    progress: { receivedBytes: number; sizeBytes: number | null; elapsedMs: number },
  ): boolean {
    if (progress.elapsedMs < JUDGE_TRANSFER_AFTER_MS || !progress.sizeBytes) return false
    const leftMs = ((progress.sizeBytes - progress.receivedBytes) / progress.receivedBytes) * progress.elapsedMs
    return leftMs > Math.max(1000, lane.track.bufferedAheadS(video.currentTime) * 1000)
  }

  /** A playlist that grows is read again after its target duration (RFC 8216, 6.3.4). */
  async function growPlaylist(lane: Lane): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, lane.media.targetDurationS * 1000))
    const url = lane.variant?.url ?? variants[0]?.audioUrl
    if (signal.aborted || !url) return
    lane.media = await untilItWorks(() => readMedia(url))
    source.duration = Math.max(source.duration, lane.media.durationS)
  }

  function nextMissing(lane: Lane): number | null {
    const { segments } = lane.media
    for (let index = segmentAt(segments, video.currentTime); index < segments.length; index++) {
      if (!lane.appended.has(index)) return index
    }
    return null
  }

  function endIfComplete(): void {
    const isComplete = lanes.every(
      (lane) => lane.media.isComplete && lane.appended.size >= lane.media.segments.length && !lane.track.buffer.updating,
    )
    if (isComplete && source.readyState === 'open') source.endOfStream()
  }

  function onSeeking(): void {
    for (const lane of lanes) {
      if (lane.track.isBuffered(video.currentTime)) continue
      lane.appended.delete(segmentAt(lane.media.segments, video.currentTime))
      lane.loading?.abort(new DOMException('Another place is wanted first.', 'AbortError'))
    }
    stepOverGap()
    wake()
  }

  /** Some encoders begin a few frames after zero; a playhead before the first frame would wait for ever. */
  function stepOverGap(): void {
    const { buffered, currentTime } = video
    for (let range = 0; range < buffered.length; range++) {
      const gapS = buffered.start(range) - currentTime
      if (gapS > 0 && gapS < MAX_GAP_S) video.currentTime = buffered.start(range) + 0.001
    }
  }

  /** Repeats work that the network broke, with backoff; a refusal by the server is believed after a second one. */
  async function untilItWorks<T>(work: () => Promise<T>, isUnwanted: () => boolean = () => false): Promise<T> {
    for (let failures = 1, refusals = 0; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (signal.aborted || isUnwanted()) throw error
        if (error instanceof UnsupportedPlaylistError || isMediaFault(error)) throw error
        if (error instanceof MediaStatusError && error.status < 500 && error.status !== 429) refusals += 1
        if (refusals >= MAX_REFUSALS) throw error
        if (failures > 1) options.onFailure({ kind: 'network', isRetrying: true, cause: error })
        const delayMs = RETRY.baseDelayMs + delayBeforeTryMs(failures + 1, RETRY, Math.random)
        await Promise.race([new Promise((resolve) => setTimeout(resolve, delayMs)), retryBell.rung()])
        signal.throwIfAborted()
      }
    }
  }

  function choose(current: Variant | null, bufferedS: number): Variant {
    return chooseVariant(variants, {
      bandwidthBps: bandwidth().read(),
      shortEdgePx: options.shortEdgePx(),
      isSavingData: isSavingData(),
      current,
      bufferedS,
    })
  }

  function fail(cause: unknown): void {
    if (signal.aborted) return
    if (cause instanceof UnsupportedPlaylistError || isRefusedByDecoder(cause)) options.onUnsupported(cause)
    else options.onFailure({ kind: kindOf(cause), isRetrying: false, cause })
  }
  const onVideoError = () => {
    if (video.error && video.error.code !== MediaError.MEDIA_ERR_ABORTED) fail(video.error)
  }

  video.addEventListener('timeupdate', wake)
  video.addEventListener('seeking', onSeeking)
  video.addEventListener('waiting', stepOverGap)
  video.addEventListener('error', onVideoError)
  addEventListener('online', retryBell.ring)
  start().catch(fail)

  return {
    setMode(next) {
      mode = next
      wake()
    },
    retry: retryBell.ring,
    close() {
      closing.abort(new DOMException('The stream is closed.', 'AbortError'))
      video.removeEventListener('timeupdate', wake)
      video.removeEventListener('seeking', onSeeking)
      video.removeEventListener('waiting', stepOverGap)
      video.removeEventListener('error', onVideoError)
      removeEventListener('online', retryBell.ring)
      wake()
      retryBell.ring()
      video.removeAttribute('src')
      video.load()
    },
  }
}

/** Lets any number of waiters go on at once. */
function createBell(): { ring(): void; rung(): Promise<void> } {
  let waiting: (() => void)[] = []
  return {
    ring() {
      const woken = waiting
      waiting = []
      for (const resolve of woken) resolve()
    },
    rung: () => new Promise((resolve) => waiting.push(resolve)),
  }
}

function mimeOf(variant: Variant): string {
  const codecs = variant.audioUrl ? variant.codecs.filter((codec) => !AUDIO_CODEC.test(codec)) : variant.codecs
  return `video/mp4; codecs="${codecs.join(',')}"`
}

function audioMimeOf(variant: Variant): string {
  const codec = variant.codecs.find((name) => AUDIO_CODEC.test(name)) ?? 'mp4a.40.2'
  return `audio/mp4; codecs="${codec}"`
}

function isPlayable(variant: Variant): boolean {
  if (!MediaSource.isTypeSupported(mimeOf(variant))) return false
  return !variant.audioUrl || MediaSource.isTypeSupported(audioMimeOf(variant))
}

function isMediaFault(error: unknown): boolean {
  return (
    error instanceof DOMException &&
    ['EncodingError', 'NotSupportedError', 'QuotaExceededError', 'InvalidStateError'].includes(error.name)
  )
}

/** The browser stumbled over bytes that it said it could play: another player may feed it differently. */
function isRefusedByDecoder(cause: unknown): boolean {
  if (cause instanceof DOMException) return cause.name === 'EncodingError'
  return cause instanceof MediaError && cause.code === MediaError.MEDIA_ERR_DECODE
}

function kindOf(cause: unknown): StreamFailure['kind'] {
  if (cause instanceof MediaStatusError) return cause.status < 500 ? 'gone' : 'network'
  if (cause instanceof MediaError) return cause.code === MediaError.MEDIA_ERR_NETWORK ? 'network' : 'unplayable'
  return isMediaFault(cause) ? 'unplayable' : 'network'
}
