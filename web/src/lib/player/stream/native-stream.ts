/** HLS that the browser itself plays (Safari on iPhone). */
import type { Stream, StreamOptions } from './stream.ts'

export function openNativeStream(video: HTMLVideoElement, options: StreamOptions): Stream {
  const onError = () =>
    options.onFailure({
      kind: video.error?.code === MediaError.MEDIA_ERR_NETWORK ? 'network' : 'unplayable',
      isRetrying: false,
      cause: video.error,
    })
  video.addEventListener('error', onError)
  video.preload = options.mode === 'idle' ? 'none' : 'auto'
  video.src = options.masterUrl
  return {
    setMode(mode) {
      video.preload = mode === 'idle' ? 'none' : 'auto'
    },
    retry: () => video.load(),
    close() {
      video.removeEventListener('error', onError)
      video.removeAttribute('src')
      video.load()
    },
  }
}
