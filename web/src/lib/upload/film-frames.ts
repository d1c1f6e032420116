/** Still pictures out of a film file on this device, for choosing a cover. */

const SEEK_TIMEOUT_MS = 3000

/**
 * Draws `count` frames, evenly spread, and hands each over as it is ready.
 *
 * Resolves to false when this browser can't show the film: then there is nothing to choose from.
 */
export async function drawFrames(
  file: File,
  input: { readonly count: number; readonly heightPx: number; readonly signal: AbortSignal },
  onFrame: (index: number, url: string) => void,
): Promise<boolean> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(file)
  try {
    video.muted = true
    video.preload = 'auto'
    video.src = url
    await heard(video, 'loadeddata', input.signal)
    if (!Number.isFinite(video.duration) || video.videoHeight === 0) return false
    const canvas = document.createElement('canvas')
    canvas.height = input.heightPx
    canvas.width = Math.max(1, Math.round((input.heightPx * video.videoWidth) / video.videoHeight))
    const pen = canvas.getContext('2d')
    if (!pen) return false
    for (let index = 0; index < input.count; index++) {
      video.currentTime = ((index + 0.5) / input.count) * video.duration
      await heard(video, 'seeked', input.signal)
      pen.drawImage(video, 0, 0, canvas.width, canvas.height)
      onFrame(index, canvas.toDataURL('image/jpeg', 0.7))
    }
    return true
  } catch {
    return false
  } finally {
    video.removeAttribute('src')
    video.load()
    URL.revokeObjectURL(url)
  }
}

function heard(video: HTMLVideoElement, name: 'loadeddata' | 'seeked', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { once: true, signal: AbortSignal.any([signal, AbortSignal.timeout(SEEK_TIMEOUT_MS)]) }
    options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true })
    video.addEventListener(name, () => resolve(), options)
    video.addEventListener(
      'error',
      () => reject(video.error ?? new Error('The film can’t be shown.')),
      options,
    )
  })
}
