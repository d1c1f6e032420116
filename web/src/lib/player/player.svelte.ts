/** One player: a <video> element, the stream in it, and what the page shows of it. */
import type { ViewReport, VideoCard } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { preferences } from '#lib/preferences/preferences.svelte.ts'
import { prefs, sound } from './prefs.svelte.ts'
import { openStream, type Stream, type StreamFailure, type StreamMode } from './stream/stream.ts'
import { addViewReport } from './view-reporter.ts'
import { createViewTracker, type ViewTracker } from './view-tracker.ts'

/** A playhead this near to the end was at the end. */
const END_TOLERANCE_S = 1

export class Player {
  card = $state.raw<VideoCard | null>(null)
  timeS = $state(0)
  durationS = $state(0)
  isPlaying = $state(false)
  /** A frame of this video is on the screen. */
  hasFrame = $state(false)
  /** It should play, and has nothing to play. */
  isWaiting = $state(false)
  isPausedByPerson = $state(false)
  failure = $state.raw<StreamFailure | null>(null)
  isActive = $state(false)

  #video: HTMLVideoElement | null = null
  #stream: Stream | null = null
  #view: ViewTracker | null = null
  #isSeekByPerson = false
  readonly #source: ViewReport['source']

  constructor(source: ViewReport['source']) {
    this.#source = source
  }

  /** Takes the element; call it once, when the page has made it. Returns how to let go of it. */
  attach(video: HTMLVideoElement): () => void {
    this.#video = video
    const listeners: Partial<Record<keyof HTMLMediaElementEventMap, () => void>> = {
      loadeddata: () => (this.hasFrame = true),
      durationchange: () => (this.durationS = Number.isFinite(video.duration) ? video.duration : 0),
      timeupdate: () => this.#onTime(video.currentTime),
      seeking: () => this.#onSeeking(video),
      playing: () => {
        this.isPlaying = true
        this.isWaiting = false
        if (this.failure?.isRetrying) this.failure = null
      },
      pause: () => (this.isPlaying = false),
      waiting: () => (this.isWaiting = this.isActive && !this.isPausedByPerson),
    }
    for (const [name, listener] of Object.entries(listeners)) video.addEventListener(name, listener)
    return () => {
      for (const [name, listener] of Object.entries(listeners)) video.removeEventListener(name, listener)
      this.show(null, 'idle')
      this.#video = null
    }
  }

  /** Shows a video, or nothing. The same video again only changes how much is loaded ahead. */
  show(card: VideoCard | null, mode: StreamMode): void {
    if (!this.#video) return
    if (card?.id !== this.card?.id) {
      this.#leave()
      this.#stream?.close()
      this.#stream = null
      this.card = card
      this.timeS = 0
      this.durationS = card ? card.durationMs / 1000 : 0
      this.hasFrame = false
      this.isWaiting = false
      this.failure = null
    }
    if (!card) return
    if (this.#stream) this.#stream.setMode(mode)
    else if (mode !== 'idle') this.#open(card, mode)
  }

  /** Makes this the video that plays, from its beginning. */
  enter(): void {
    if (this.isActive || !this.card) return
    this.isActive = true
    this.isPausedByPerson = !preferences.autoplay
    this.#view = createViewTracker({ videoId: this.card.id, key: makeId(), source: this.#source })
    void this.play()
  }

  /** Lets it move, silently, while a finger draws it into view; `enter` or `leave` follows. */
  peek(): void {
    const video = this.#video
    if (!video || this.isActive || !this.hasFrame || !preferences.autoplay || !video.paused) return
    video.muted = true
    void video.play().catch(() => {})
  }

  /** Stops, and goes back to the beginning for the next time. */
  leave(): void {
    this.#leave()
    const video = this.#video
    if (!video) return
    video.pause()
    if (video.currentTime > 0) video.currentTime = 0
    this.timeS = 0
  }

  async play(): Promise<void> {
    const video = this.#video
    if (!video || !this.isActive || this.isPausedByPerson) return
    this.isWaiting = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    video.muted = prefs.isMuted || sound.isBlocked
    try {
      await video.play()
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || video.muted) return
      sound.isBlocked = true
      video.muted = true
      await video.play().catch(() => {})
    }
  }

  pause(): void {
    this.#video?.pause()
  }

  /** What a tap does. */
  togglePause(): void {
    this.isPausedByPerson = !this.isPausedByPerson
    if (this.isPausedByPerson) this.pause()
    else void this.play()
  }

  seek(timeS: number): void {
    const video = this.#video
    if (!video || this.durationS === 0) return
    this.#isSeekByPerson = true
    // The very end would begin it again.
    video.currentTime = Math.min(Math.max(0, timeS), Math.max(0, this.durationS - 0.1))
    this.timeS = video.currentTime
  }

  applySound(): void {
    if (this.#video) this.#video.muted = prefs.isMuted || sound.isBlocked
  }

  /** Tries at once; a stream that has given up is opened anew. */
  retry(): void {
    const { card } = this
    if (!card) return
    if (this.failure && !this.failure.isRetrying) {
      this.#stream?.close()
      this.#stream = null
      this.failure = null
      this.#open(card, 'active')
      void this.play()
    } else this.#stream?.retry()
  }

  /** Reports what was watched so far; the showing goes on. */
  reportView(): void {
    const report = this.#view?.report()
    if (report) addViewReport(report)
  }

  #open(card: VideoCard, mode: StreamMode): void {
    const video = this.#video!
    this.#stream = openStream(video, {
      masterUrl: card.playback.masterUrl,
      mode,
      shortEdgePx: () => Math.min(video.clientWidth, video.clientHeight) * Math.min(devicePixelRatio, 2),
      onFailure: (failure) => {
        this.failure = failure
      },
    })
  }

  #leave(): void {
    this.reportView()
    this.#view = null
    this.isActive = false
    this.isWaiting = false
    this.isPausedByPerson = false
  }

  #onTime(timeS: number): void {
    this.timeS = timeS
    // Phones end a page without a word: what is a view already is reported while it still can be.
    if (this.isPlaying && this.#view?.advance(timeS)) this.reportView()
  }

  #onSeeking(video: HTMLVideoElement): void {
    const hasBegunAgain =
      !this.#isSeekByPerson && video.currentTime < 0.5 && this.timeS > this.durationS - END_TOLERANCE_S
    if (hasBegunAgain) this.#view?.complete()
    else this.#view?.seek(video.currentTime)
    this.#isSeekByPerson = false
  }
}
