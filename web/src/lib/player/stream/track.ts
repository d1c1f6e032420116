/** One SourceBuffer, fed in order: appends and removals wait for each other, as Media Source Extensions ask. */

/** Seconds behind the playhead that are kept when room has to be made. */
const KEEP_BEHIND_S = 10
/** How near a buffered range may begin to the playhead and still count as continuous. */
const GAP_TOLERANCE_S = 0.25

export interface Track {
  readonly buffer: SourceBuffer
  append(bytes: BufferSource): Promise<void>
  /** Forgets a segment that was only half appended, so that another one can begin. */
  resetParser(): Promise<void>
  /** Seconds that are loaded ahead of a time. */
  bufferedAheadS(timeS: number): number
  isBuffered(timeS: number): boolean
}

/** Wraps a SourceBuffer of `video`. */
export function createTrack(video: HTMLVideoElement, source: MediaSource, mime: string): Track {
  const buffer = source.addSourceBuffer(mime)
  let queue: Promise<unknown> = Promise.resolve()

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }
  function settled(start: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        buffer.removeEventListener('updateend', done)
        buffer.removeEventListener('error', failed)
        resolve()
      }
      const failed = () => {
        buffer.removeEventListener('updateend', done)
        buffer.removeEventListener('error', failed)
        reject(new DOMException('The browser refused the media data.', 'EncodingError'))
      }
      buffer.addEventListener('updateend', done)
      buffer.addEventListener('error', failed)
      try {
        start()
      } catch (error) {
        buffer.removeEventListener('updateend', done)
        buffer.removeEventListener('error', failed)
        reject(error as Error)
      }
    })
  }
  async function makeRoom(): Promise<void> {
    const endS = video.currentTime - KEEP_BEHIND_S
    if (endS > 0) await settled(() => buffer.remove(0, endS))
    else throw new DOMException('No room for more media data.', 'QuotaExceededError')
  }

  return {
    buffer,
    append: (bytes) =>
      inOrder(async () => {
        try {
          await settled(() => buffer.appendBuffer(bytes))
        } catch (error) {
          if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw error
          await makeRoom()
          await settled(() => buffer.appendBuffer(bytes))
        }
      }),
    resetParser: () =>
      inOrder(async () => {
        if (source.readyState === 'open') buffer.abort()
      }),
    bufferedAheadS(timeS) {
      const { buffered } = buffer
      for (let range = 0; range < buffered.length; range++) {
        if (timeS >= buffered.start(range) - GAP_TOLERANCE_S && timeS < buffered.end(range)) {
          return buffered.end(range) - timeS
        }
      }
      return 0
    },
    isBuffered(timeS) {
      const { buffered } = buffer
      for (let range = 0; range < buffered.length; range++) {
        if (timeS >= buffered.start(range) - GAP_TOLERANCE_S && timeS < buffered.end(range)) return true
      }
      return false
    },
  }
}
