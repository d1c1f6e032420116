/** Reads HLS playlists (RFC 8216) as far as this platform writes them: fMP4 segments, sound as a rendition of its own. */

export interface Variant {
  readonly url: string
  readonly bandwidthBps: number
  readonly width: number | null
  readonly height: number | null
  readonly codecs: readonly string[]
  /** The media playlist of the sound; null when it is in the same segments, or there is none. */
  readonly audioUrl: string | null
}

export interface MediaSegment {
  readonly url: string
  readonly startS: number
  readonly durationS: number
}

export interface MediaPlaylist {
  /** The initialisation segment. */
  readonly mapUrl: string
  readonly segments: readonly MediaSegment[]
  readonly durationS: number
  /** False while segments are still being added. */
  readonly isComplete: boolean
  readonly targetDurationS: number
}

/** The playlist uses something that this reader does not know; another player has to take over. */
export class UnsupportedPlaylistError extends Error {
  override readonly name = 'UnsupportedPlaylistError'
}

/** Reads a master playlist. @throws {UnsupportedPlaylistError} when it holds no variant. */
export function parseMaster(text: string, baseUrl: string): Variant[] {
  const lines = linesOf(text)
  const audioUrls = new Map<string, string>()
  for (const line of lines) {
    const media = attributesOf(line, '#EXT-X-MEDIA:')
    if (media?.TYPE !== 'AUDIO' || !media['GROUP-ID'] || !media.URI) continue
    if (!audioUrls.has(media['GROUP-ID']) || media.DEFAULT === 'YES') {
      audioUrls.set(media['GROUP-ID'], new URL(media.URI, baseUrl).href)
    }
  }
  const variants: Variant[] = []
  for (const [at, line] of lines.entries()) {
    const attributes = attributesOf(line, '#EXT-X-STREAM-INF:')
    const uri = lines.slice(at + 1).find((next) => !next.startsWith('#'))
    if (!attributes || !uri) continue
    const [width, height] = (attributes.RESOLUTION ?? '').split('x').map(Number)
    variants.push({
      url: new URL(uri, baseUrl).href,
      bandwidthBps: Number(attributes.BANDWIDTH) || 0,
      width: width || null,
      height: height || null,
      codecs: (attributes.CODECS ?? '')
        .split(',')
        .map((codec) => codec.trim())
        .filter(Boolean),
      audioUrl: audioUrls.get(attributes.AUDIO ?? '') ?? null,
    })
  }
  if (variants.length === 0) throw new UnsupportedPlaylistError('The master playlist has no variant.')
  return variants
}

/** Reads a media playlist. @throws {UnsupportedPlaylistError} for encryption, discontinuities, and all but fMP4. */
export function parseMedia(text: string, baseUrl: string): MediaPlaylist {
  const lines = linesOf(text)
  const segments: MediaSegment[] = []
  let mapUrl: string | null = null
  let durationS: number | null = null
  let startS = 0
  let targetDurationS = 2
  for (const line of lines) {
    if (/^#EXT-X-(KEY:(?!METHOD=NONE)|DISCONTINUITY$|BYTERANGE|PART)/.test(line)) {
      throw new UnsupportedPlaylistError(line)
    }
    const map = attributesOf(line, '#EXT-X-MAP:')
    if (map?.URI) {
      if (map.BYTERANGE || mapUrl) throw new UnsupportedPlaylistError(line)
      mapUrl = new URL(map.URI, baseUrl).href
    } else if (line.startsWith('#EXTINF:')) durationS = Number.parseFloat(line.slice('#EXTINF:'.length))
    else if (line.startsWith('#EXT-X-TARGETDURATION:')) targetDurationS = Number(line.split(':')[1]) || 2
    else if (!line.startsWith('#') && durationS !== null) {
      segments.push({ url: new URL(line, baseUrl).href, startS, durationS })
      startS += durationS
      durationS = null
    }
  }
  if (!mapUrl) throw new UnsupportedPlaylistError('The playlist has no EXT-X-MAP.')
  return {
    mapUrl,
    segments,
    durationS: startS,
    isComplete: lines.includes('#EXT-X-ENDLIST'),
    targetDurationS,
  }
}

/** The index of the segment that plays at a time; the last one for a time at or after the end. */
export function segmentAt(segments: readonly MediaSegment[], timeS: number): number {
  // A time that is a hair before a boundary belongs to the segment that begins there.
  const found = segments.findIndex((segment) => timeS < segment.startS + segment.durationS - 0.05)
  return found === -1 ? Math.max(0, segments.length - 1) : found
}

function linesOf(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines[0] !== '#EXTM3U') throw new UnsupportedPlaylistError('The answer is not a playlist.')
  return lines
}

/** RFC 8216, 4.2: AttributeName=AttributeValue pairs; quoted strings may hold commas. */
function attributesOf(line: string, tag: string): Record<string, string> | null {
  if (!line.startsWith(tag)) return null
  const attributes: Record<string, string> = {}
  for (const match of line.slice(tag.length).matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)) {
    attributes[match[1]!] = match[2] ?? match[3] ?? ''
  }
  return attributes
}
