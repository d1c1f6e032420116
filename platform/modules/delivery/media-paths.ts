/**
 * Addresses under /media, taken apart by one pattern: what does not fit it exactly (a dot-dot, an escape, a slash too
 * many) names nothing.
 */

export type MediaFile =
  | { readonly kind: 'master'; readonly generation: number }
  | { readonly kind: 'playlist'; readonly generation: number; readonly renditionId: string }
  | { readonly kind: 'segment'; readonly path: string }
  | { readonly kind: 'poster' | 'preview'; readonly version: number }

export interface VideoMediaPath {
  readonly videoId: string
  readonly token: string | null
  readonly file: MediaFile
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const VIDEO = new RegExp(`^/media/(?:t/([A-Za-z0-9_-]{40,64})/)?(${UUID})/([a-z0-9][a-z0-9./_-]{0,120})$`)
const GENERATION_FILE =
  /^g(0|[1-9]\d{0,8})\/([a-z][a-z0-9]{0,15})(?:\.m3u8|\/([a-z0-9][a-z0-9_-]{0,40}\.(?:m4s|mp4)))$/
const PICTURE_FILE = /^(?:(poster)-(0|[1-9]\d{0,8})\.jpg|(preview)-(0|[1-9]\d{0,8})\.webp)$/
const ACCOUNT_PICTURE = new RegExp(`^/media/(pictures/${UUID}/[0-9a-f]{32}\\.jpg)$`)

/** Null: not an address of a video's file. `path` has no query. */
export function parseVideoMediaPath(path: string): VideoMediaPath | null {
  const match = VIDEO.exec(path)
  const file = match && parseFile(match[3]!)
  return file ? { videoId: match[2]!, token: match[1] ?? null, file } : null
}

function parseFile(rest: string): MediaFile | null {
  const media = GENERATION_FILE.exec(rest)
  if (media) {
    const [, digits, name, segment] = media
    if (segment !== undefined) return { kind: 'segment', path: rest }
    const generation = Number(digits)
    return name === 'master'
      ? { kind: 'master', generation }
      : { kind: 'playlist', generation, renditionId: name! }
  }
  const picture = PICTURE_FILE.exec(rest)
  if (!picture) return null
  return picture[1]
    ? { kind: 'poster', version: Number(picture[2]) }
    : { kind: 'preview', version: Number(picture[4]) }
}

/** The blob key of an account's picture; null: not an address of one. */
export function parseAccountPicturePath(path: string): string | null {
  return ACCOUNT_PICTURE.exec(path)?.[1] ?? null
}
