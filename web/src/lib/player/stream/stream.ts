/**
 * Plays an HLS stream in a <video> element: by our own reader over Media Source Extensions where they exist, else
 * natively; what our reader does not know goes to hls.js, loaded only then.
 */
import { openMseStream } from './mse-stream.ts'
import { openNativeStream } from './native-stream.ts'

/** `ahead`: enough to begin at once; `active`: it plays; `idle`: load nothing more. */
export type StreamMode = 'ahead' | 'active' | 'idle'

export interface StreamFailure {
  /** `gone`: the server says there is nothing; `network`: it can't be reached; `unplayable`: this browser can't. */
  readonly kind: 'gone' | 'network' | 'unplayable'
  /** The stream goes on trying by itself. */
  readonly isRetrying: boolean
  readonly cause: unknown
}

export interface StreamOptions {
  readonly masterUrl: string
  readonly mode: StreamMode
  /** Short edge of the player in device pixels. */
  readonly shortEdgePx: () => number
  readonly onFailure: (failure: StreamFailure) => void
  /** Which rendition is loaded now. */
  readonly onRendition?: (rendition: {
    readonly width: number | null
    readonly height: number | null
  }) => void
}

export interface Stream {
  setMode(mode: StreamMode): void
  /** Tries at once what is waiting for its next try. */
  retry(): void
  /** Lets go of the element and of everything that is under way. */
  close(): void
}

/** Whether Media Source Extensions are there; an iPhone before iOS 17.1 has native HLS only. */
export function hasMediaSource(): boolean {
  return typeof MediaSource !== 'undefined'
}

/** Attaches a stream to an element. The element keeps its own controls: play, pause, seek, loop. */
export function openStream(video: HTMLVideoElement, options: StreamOptions): Stream {
  if (!hasMediaSource()) return openNativeStream(video, options)
  let mode = options.mode
  let isClosed = false
  let stream: Stream = openMseStream(video, {
    ...options,
    onUnsupported: (cause) => {
      stream.close()
      void import('./hls-js-stream.ts').then(
        ({ openHlsJsStream }) => {
          if (!isClosed) stream = openHlsJsStream(video, { ...options, mode })
        },
        () => options.onFailure({ kind: 'unplayable', isRetrying: false, cause }),
      )
    },
  })
  return {
    setMode(next) {
      mode = next
      stream.setMode(next)
    },
    retry: () => stream.retry(),
    close() {
      isClosed = true
      stream.close()
    },
  }
}
