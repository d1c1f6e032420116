/** hls.js, for streams that use more of HLS than this platform writes. A chunk of its own. */
import Hls, { type ErrorData } from 'hls.js'
import { bandwidth } from './network.ts'
import type { Stream, StreamMode, StreamOptions } from './stream.ts'

const BUFFER_S: Record<StreamMode, number> = { ahead: 4, active: 20, idle: 1 }

export function openHlsJsStream(video: HTMLVideoElement, options: StreamOptions): Stream {
  const hls = new Hls({
    // The policy of the page forbids workers made from strings, and these segments need no remuxing.
    enableWorker: false,
    abrEwmaDefaultEstimate: bandwidth().read(),
    maxBufferLength: BUFFER_S[options.mode],
    capLevelToPlayerSize: true,
  })
  hls.on(Hls.Events.ERROR, (_event, data: ErrorData) => {
    if (!data.fatal) return
    const isNetwork = data.type === Hls.ErrorTypes.NETWORK_ERROR
    const isGone = isNetwork && [403, 404, 410].includes(data.response?.code ?? 0)
    options.onFailure({
      kind: isGone ? 'gone' : isNetwork ? 'network' : 'unplayable',
      isRetrying: false,
      cause: data.error,
    })
  })
  hls.loadSource(options.masterUrl)
  hls.attachMedia(video)
  return {
    setMode(mode) {
      hls.config.maxBufferLength = BUFFER_S[mode]
      if (mode === 'idle') hls.stopLoad()
      else hls.startLoad()
    },
    retry: () => hls.startLoad(),
    close: () => hls.destroy(),
  }
}
