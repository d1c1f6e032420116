/** As much of HLS playlists (RFC 8216) as a journey needs. */
import { UndecodableError } from './fragmented-mp4.ts'

export interface Variant {
  readonly uri: string
  /** Short edge in pixels where the playlist says it, else its place from 1. */
  readonly name: string
}

export interface MediaPlaylist {
  readonly initUri: string | null
  readonly segmentUris: readonly string[]
}

/** The renditions of a master playlist, with those of sound alone. @throws {UndecodableError} */
export function readMaster(text: string): Variant[] {
  const lines = linesOf(text)
  const variants: Variant[] = []
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) {
      const uri = lines.slice(index + 1).find((next) => !next.startsWith('#'))
      if (uri === undefined) throw new UndecodableError('A rendition of the master playlist has no address.')
      const [, width, height] = /RESOLUTION=(\d+)x(\d+)/.exec(line) ?? []
      const shortEdge =
        width && height ? String(Math.min(Number(width), Number(height))) : String(variants.length + 1)
      variants.push({ uri, name: shortEdge })
    } else if (line.startsWith('#EXT-X-MEDIA:') && /TYPE=AUDIO/.test(line)) {
      const uri = /URI="([^"]+)"/.exec(line)?.[1]
      if (uri !== undefined) variants.push({ uri, name: 'sound' })
    }
  }
  if (variants.length === 0) throw new UndecodableError('The master playlist has no rendition.')
  return variants
}

/** @throws {UndecodableError} */
export function readMedia(text: string): MediaPlaylist {
  const lines = linesOf(text)
  const initUri = lines.find((line) => line.startsWith('#EXT-X-MAP:'))?.match(/URI="([^"]+)"/)?.[1]
  const segmentUris = lines.filter((line) => !line.startsWith('#'))
  if (segmentUris.length === 0) throw new UndecodableError('A playlist has no segment.')
  return { initUri: initUri ?? null, segmentUris }
}

function linesOf(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
  if (lines[0] !== '#EXTM3U')
    throw new UndecodableError('What should be a playlist does not begin with #EXTM3U.')
  return lines
}
