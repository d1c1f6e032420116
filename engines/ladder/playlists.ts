/** HLS playlists (RFC 8216) from a manifest: version 7 for fMP4 with audio as a rendition of its own. */
import { measureBandwidth, type AudioRendition, type MediaManifest, type VideoRendition } from './manifest.ts'

export interface MasterOptions {
  /** Where a rendition's media playlist is, relative to the master or absolute. @default `<id>.m3u8` */
  readonly playlistUri?: (rendition: VideoRendition | AudioRendition) => string
}

export interface MediaOptions {
  /** Where a file of the rendition is. @default `<id>/<name>` */
  readonly fileUri?: (rendition: VideoRendition | AudioRendition, name: string) => string
  /** Whether all segments are listed; else the list grows (EVENT). @default true */
  readonly isComplete?: boolean
}

/**
 * The master playlist: a player starts with the first variant, so the one nearest to 540 comes first, then the best
 * down to the least.
 */
export function renderMasterPlaylist(manifest: MediaManifest, options: MasterOptions = {}): string {
  const { playlistUri = (rendition) => `${rendition.id}.m3u8` } = options
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS']
  const { audio } = manifest
  if (audio)
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${audio.channels}",URI="${playlistUri(audio)}"`,
    )
  for (const video of orderForStart(manifest.videos))
    lines.push(`#EXT-X-STREAM-INF:${streamAttributes(video, audio)}`, playlistUri(video))
  return `${lines.join('\n')}\n`
}

/** The media playlist of one rendition. */
export function renderMediaPlaylist(
  rendition: VideoRendition | AudioRendition,
  options: MediaOptions = {},
): string {
  const { fileUri = (of, name) => `${of.id}/${name}`, isComplete = true } = options
  const longestMs = Math.max(1, ...rendition.segments.map((segment) => segment.durationMs))
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    // 4.3.3.1: the rounded duration of every segment is at most this.
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(longestMs / 1000))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${isComplete ? 'VOD' : 'EVENT'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${fileUri(rendition, rendition.init.name)}"`,
    ...rendition.segments.flatMap((segment) => [
      `#EXTINF:${(segment.durationMs / 1000).toFixed(6)},`,
      fileUri(rendition, segment.name),
    ]),
    ...(isComplete ? ['#EXT-X-ENDLIST'] : []),
  ].join('\n')}\n`
}

function streamAttributes(video: VideoRendition, audio: AudioRendition | null): string {
  const own = measureBandwidth(video.segments)
  const sound = audio ? measureBandwidth(audio.segments) : { peakBps: 0, averageBps: 0 }
  return [
    `BANDWIDTH=${own.peakBps + sound.peakBps}`,
    `AVERAGE-BANDWIDTH=${own.averageBps + sound.averageBps}`,
    `CODECS="${[video.codecs, ...(audio ? [audio.codecs] : [])].join(',')}"`,
    `RESOLUTION=${video.width}x${video.height}`,
    ...(video.fps === null ? [] : [`FRAME-RATE=${video.fps.toFixed(3)}`]),
    ...(audio ? ['AUDIO="audio"'] : []),
  ].join(',')
}

function orderForStart(videos: readonly VideoRendition[]): VideoRendition[] {
  const edge = (video: VideoRendition) => Math.min(video.width, video.height)
  const best = videos.toSorted((a, b) => edge(b) - edge(a))
  const first = best.find((video) => edge(video) <= 540) ?? best.at(-1)
  return first ? [first, ...best.filter((video) => video !== first)] : []
}
