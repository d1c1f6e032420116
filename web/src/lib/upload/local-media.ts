/** What this device can tell of a film file before it is sent. */
import { readMp4Facts, type ByteRange } from './mp4-index.ts'

const METADATA_TIMEOUT_MS = 4000

export interface LocalFacts {
  readonly durationMs: number | null
  readonly shortEdgePx: number | null
  /** The index that should be sent ahead of the film; null when it need not be. */
  readonly indexAhead: ByteRange | null
}

/** An index beyond this is no camera's; the server then waits for the whole file. */
const MAX_INDEX_BYTES = 32 * 1024 * 1024

/** Reads a file's outline and, where this browser can, asks its own player. Never rejects; unknown is null. */
export async function readLocalFacts(file: File): Promise<LocalFacts> {
  const [mp4, played] = await Promise.all([readMp4Facts(file).catch(() => null), readPlayed(file)])
  const index = mp4?.isIndexLast ? mp4.index : null
  return {
    durationMs: mp4?.durationMs ?? played.durationMs,
    shortEdgePx: played.shortEdgePx,
    indexAhead: index && index.sizeBytes <= MAX_INDEX_BYTES ? index : null,
  }
}

function readPlayed(file: File): Promise<{ durationMs: number | null; shortEdgePx: number | null }> {
  return new Promise((resolve) => {
    const video = document.createElement('video')
    const url = URL.createObjectURL(file)
    const timer = setTimeout(done, METADATA_TIMEOUT_MS)
    function done() {
      clearTimeout(timer)
      const { duration, videoWidth, videoHeight } = video
      video.removeAttribute('src')
      video.load()
      URL.revokeObjectURL(url)
      resolve({
        // A recording of the browser itself says Infinity.
        durationMs: Number.isFinite(duration) && duration > 0 ? Math.round(duration * 1000) : null,
        shortEdgePx: videoWidth > 0 && videoHeight > 0 ? Math.min(videoWidth, videoHeight) : null,
      })
    }
    video.preload = 'metadata'
    video.muted = true
    video.onloadedmetadata = done
    video.onerror = done
    video.src = url
  })
}
