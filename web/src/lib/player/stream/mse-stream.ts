/**
 * Our own HLS player over Media Source Extensions, for what this platform writes: CMAF segments, aligned renditions,
 * sound in a track of its own.
 *
 * It is small because it has to be there before the first frame, and it appends segments while they arrive.
 */
import { retryBudget } from '#lib/api/client.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import {
  MediaStatusError,
  readInit,
  readMaster,
  readMedia,
  streamSegment,
  type TransferProgress,
} from './fetch-media.ts'
import { bandwidth, isSavingData } from './network.ts'
import { segmentAt, UnsupportedPlaylistError, type MediaPlaylist, type Variant } from './playlist.ts'
import { chooseVariant, SLOW_BPS } from './quality.ts'
import type { Stream, StreamFailure, StreamMode, StreamOptions } from './stream.ts'
import { createTrack, type Track } from './track.ts'

/** How far each mode loads ahead. Two segments of 2 s are enough to begin and to judge the network. */
const TARGET_AHEAD_S: Record<StreamMode, number> = { ahead: 3, active: 20, idle: 0 }
/** While what is watched has less than this in store, nothing else is loaded. */
const HUNGRY_S = 4
const RETRY = { maxTries: Infinity, baseDelayMs: 400, maxDelayMs: 8000 }
/** So often a "no" of the server is asked about again before it is believed. */
const MAX_REFUSALS = 2
/** A transfer is judged after so long, and given up when it would end after the buffer does. */
const JUDGE_TRANSFER_AFTER_MS = 1500
/** A playhead that stands this near before loaded media is helped over the gap. */
const MAX_GAP_S = 0.6

const AUDIO_CODEC = /^(mp4a|opus|ac-3|ec-3|flac)/i

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
  /** The initialisation that the buffer has, or is about to have. */
  initUrl: string
  loading: AbortController | null
}

/** The video that is watched, as long as it is hungry. */
let hungry: HTMLVideoElement | null = null
/** Rung when it no longer is. */
const fedBell = createBell()

/** Plays the stream until `close`. */
export function openMseStream(video: HTMLVideoElement, options: MseOptions): Stream {
  return new MseStream(video, options)
}

class MseStream implements Stream {
  readonly #video: HTMLVideoElement
  readonly #options: MseOptions
  readonly #closing = new AbortController()
  readonly #source = new MediaSource()
  readonly #lanes: Lane[] = []
  /** Rung when the playhead, the mode or the buffer has changed. */
  readonly #bell = createBell()
  /** Rung when a failed try should be repeated at once. */
  readonly #retryBell = createBell()
  #mode: StreamMode
  #variants: Variant[] = []

  constructor(video: HTMLVideoElement, options: MseOptions) {
    this.#video = video
    this.#options = options
    this.#mode = options.mode
    const { signal } = this.#closing
    video.addEventListener('timeupdate', this.#bell.ring, { signal })
    video.addEventListener('seeking', () => this.#onSeeking(), { signal })
    video.addEventListener('waiting', () => this.#stepOverGap(), { signal })
    video.addEventListener('error', () => this.#onVideoError(), { signal })
    addEventListener('online', this.#retryBell.ring, { signal })
    this.#start().catch((cause: unknown) => this.#fail(cause))
  }

  setMode(mode: StreamMode): void {
    this.#mode = mode
    // On a fast line what is under way is there before it is ended, and its connection is worth more.
    if (mode === 'idle' && bandwidth().read() < SLOW_BPS)
      for (const { loading } of this.#lanes)
        loading?.abort(new DOMException('It is left behind.', 'AbortError'))
    this.#tellHunger()
    this.#bell.ring()
  }

  retry(): void {
    this.#retryBell.ring()
  }

  close(): void {
    this.#closing.abort(new DOMException('The stream is closed.', 'AbortError'))
    this.#tellHunger()
    this.#bell.ring()
    this.#retryBell.ring()
    this.#video.removeAttribute('src')
    this.#video.load()
  }

  async #start(): Promise<void> {
    const source = this.#source
    const opened = new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }))
    const objectUrl = URL.createObjectURL(source)
    this.#video.src = objectUrl
    this.#variants = (await this.#untilItWorks(() => readMaster(this.#options.masterUrl))).filter(isPlayable)
    if (this.#variants.length === 0)
      throw new DOMException('No rendition can be played here.', 'NotSupportedError')
    const first = this.#choose(null, 0)
    const [media, audio] = await Promise.all([
      this.#untilItWorks(() => readMedia(first.url)),
      first.audioUrl ? this.#untilItWorks(() => readMedia(first.audioUrl!)) : null,
      opened,
    ])
    URL.revokeObjectURL(objectUrl)
    this.#closing.signal.throwIfAborted()
    source.duration = Math.max(media.durationS, audio?.durationS ?? 0)
    this.#addLane(mimeOf(first), media, first)
    if (audio) this.#addLane(audioMimeOf(first), audio, null)
    this.#options.onRendition?.(first)
    await Promise.all(this.#lanes.map((lane) => this.#fill(lane)))
  }

  #addLane(mime: string, media: MediaPlaylist, variant: Variant | null): void {
    const track = createTrack(this.#video, this.#source, mime)
    this.#lanes.push({ track, appended: new Set(), media, variant, initUrl: '', loading: null })
  }

  /** Keeps one lane filled until the stream is closed. */
  async #fill(lane: Lane): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const aheadS = lane.track.bufferedAheadS(this.#video.currentTime)
      const index = this.#nextMissing(lane)
      this.#tellHunger()
      if (index === null) {
        this.#endIfComplete()
        if (lane.media.isComplete || this.#mode === 'idle') await this.#bell.rung()
        else await this.#growPlaylist(lane)
      } else if (aheadS >= TARGET_AHEAD_S[this.#mode] || this.#mode === 'idle') await this.#bell.rung()
      else if (this.#mode === 'ahead' && hungry) await Promise.race([fedBell.rung(), this.#bell.rung()])
      else {
        if (lane.variant) await this.#switchRendition(lane, lane.variant, aheadS)
        await this.#loadSegment(lane, index, this.#initialise(lane))
      }
    }
  }

  #tellHunger(): void {
    const { currentTime } = this.#video
    const isHungry =
      this.#mode === 'active' &&
      !this.#closing.signal.aborted &&
      this.#lanes.some(
        (lane) => lane.track.bufferedAheadS(currentTime) < HUNGRY_S && this.#nextMissing(lane) !== null,
      )
    if (isHungry) hungry = this.#video
    else if (hungry === this.#video) {
      hungry = null
      fedBell.ring()
    }
  }

  /** Fetches the initialisation beside the segment that needs it; the segment is appended after it. */
  async #initialise(lane: Lane): Promise<void> {
    const { mapUrl } = lane.media
    if (lane.initUrl === mapUrl) return
    lane.initUrl = mapUrl
    await lane.track.append(await this.#untilItWorks(() => readInit(mapUrl)))
  }

  async #switchRendition(lane: Lane, current: Variant, aheadS: number): Promise<void> {
    const wanted = this.#choose(current, aheadS)
    if (wanted === current) return
    const media = await this.#untilItWorks(() => readMedia(wanted.url))
    this.#closing.signal.throwIfAborted()
    const mime = mimeOf(wanted)
    if (mime !== mimeOf(current)) lane.track.buffer.changeType(mime)
    lane.variant = wanted
    lane.media = media
    this.#options.onRendition?.(wanted)
  }

  /** Loads one segment; a seek, a close or a transfer that is too slow ends it early. */
  async #loadSegment(lane: Lane, index: number, ready: Promise<void>): Promise<void> {
    const { url } = lane.media.segments[index]!
    const loading = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, loading.signal])
    lane.loading = loading
    // Its failure is met by the first chunk that waits for it; a segment that fails before must not leave it unhandled.
    ready.catch(() => {})
    const transfer = async () => {
      try {
        await streamSegment(url, signal, async (chunk, progress) => {
          if (this.#isTooSlow(lane, progress)) {
            bandwidth().add(progress.receivedBytes, progress.elapsedMs)
            loading.abort(new DOMException('A smaller rendition comes sooner.', 'AbortError'))
          }
          await ready
          await lane.track.append(chunk)
        })
      } catch (error) {
        await lane.track.resetParser()
        throw error
      }
    }
    try {
      await this.#untilItWorks(transfer, () => loading.signal.aborted)
      lane.appended.add(index)
      this.#stepOverGap()
    } catch (error) {
      if (this.#closing.signal.aborted || !loading.signal.aborted) throw error
    } finally {
      lane.loading = null
    }
  }

  #isTooSlow(lane: Lane, progress: TransferProgress): boolean {
    const { variant } = lane
    const isCheapest = !variant || this.#variants.every((other) => other.bandwidthBps >= variant.bandwidthBps)
    if (isCheapest || progress.elapsedMs < JUDGE_TRANSFER_AFTER_MS || !progress.sizeBytes) return false
    const leftMs =
      ((progress.sizeBytes - progress.receivedBytes) / progress.receivedBytes) * progress.elapsedMs
    return leftMs > Math.max(1000, lane.track.bufferedAheadS(this.#video.currentTime) * 1000)
  }

  /** A playlist that grows is read again after its target duration (RFC 8216, 6.3.4). */
  async #growPlaylist(lane: Lane): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, lane.media.targetDurationS * 1000))
    const url = lane.variant?.url ?? this.#variants[0]?.audioUrl
    if (this.#closing.signal.aborted || !url) return
    lane.media = await this.#untilItWorks(() => readMedia(url))
    this.#source.duration = Math.max(this.#source.duration, lane.media.durationS)
  }

  #nextMissing(lane: Lane): number | null {
    const { segments } = lane.media
    for (let index = segmentAt(segments, this.#video.currentTime); index < segments.length; index++) {
      if (!lane.appended.has(index)) return index
    }
    return null
  }

  #endIfComplete(): void {
    const isComplete = this.#lanes.every(
      ({ media, appended, track }) =>
        media.isComplete && appended.size >= media.segments.length && !track.buffer.updating,
    )
    if (isComplete && this.#source.readyState === 'open') this.#source.endOfStream()
  }

  #onSeeking(): void {
    const { currentTime } = this.#video
    for (const lane of this.#lanes) {
      if (lane.track.isBuffered(currentTime)) continue
      lane.appended.delete(segmentAt(lane.media.segments, currentTime))
      lane.loading?.abort(new DOMException('Another place is wanted first.', 'AbortError'))
    }
    this.#stepOverGap()
    this.#bell.ring()
  }

  /** Some encoders begin a few frames after zero; a playhead before the first frame would wait for ever. */
  #stepOverGap(): void {
    const { buffered, currentTime } = this.#video
    for (let range = 0; range < buffered.length; range++) {
      const gapS = buffered.start(range) - currentTime
      if (gapS > 0 && gapS < MAX_GAP_S) this.#video.currentTime = buffered.start(range) + 0.001
    }
  }

  /** Repeats work that the network broke, with backoff; a refusal by the server is believed after a second one. */
  async #untilItWorks<T>(work: () => Promise<T>, isUnwanted: () => boolean = () => false): Promise<T> {
    const { signal } = this.#closing
    for (let failures = 1, refusals = 0; ; failures++) {
      try {
        const done = await work()
        retryBudget.earn()
        return done
      } catch (error) {
        if (signal.aborted || isUnwanted()) throw error
        if (error instanceof UnsupportedPlaylistError || isMediaFault(error)) throw error
        if (error instanceof MediaStatusError && error.status < 500 && error.status !== 429) refusals += 1
        if (refusals >= MAX_REFUSALS) throw error
        if (failures > 1) this.#options.onFailure({ kind: 'network', isRetrying: true, cause: error })
        const wishedMs = error instanceof MediaStatusError ? error.retryAfterMs : null
        // Without a retry left in the app's budget, as late as it ever gets: what is being watched is not given up.
        const delayMs = retryBudget.trySpend()
          ? RETRY.baseDelayMs + delayBeforeTryMs(failures + 1, RETRY, Math.random, wishedMs)
          : Math.max(RETRY.maxDelayMs, wishedMs ?? 0) + Math.random() * RETRY.maxDelayMs
        await Promise.race([new Promise((resolve) => setTimeout(resolve, delayMs)), this.#retryBell.rung()])
        signal.throwIfAborted()
      }
    }
  }

  #choose(current: Variant | null, bufferedS: number): Variant {
    return chooseVariant(this.#variants, {
      bandwidthBps: bandwidth().read(),
      shortEdgePx: this.#options.shortEdgePx(),
      isSavingData: isSavingData(),
      current,
      bufferedS,
    })
  }

  #fail(cause: unknown): void {
    if (this.#closing.signal.aborted) return
    if (cause instanceof UnsupportedPlaylistError || isRefusedByDecoder(cause))
      this.#options.onUnsupported(cause)
    else this.#options.onFailure({ kind: kindOf(cause), isRetrying: false, cause })
  }

  #onVideoError(): void {
    const { error } = this.#video
    if (error && error.code !== MediaError.MEDIA_ERR_ABORTED) this.#fail(error)
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
  const codecs = variant.audioUrl
    ? variant.codecs.filter((codec) => !AUDIO_CODEC.test(codec))
    : variant.codecs
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
  if (cause instanceof MediaError)
    return cause.code === MediaError.MEDIA_ERR_NETWORK ? 'network' : 'unplayable'
  return isMediaFault(cause) ? 'unplayable' : 'network'
}
