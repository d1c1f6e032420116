/**
 * Where a video's files are served, and under which key they are stored.
 *
 * What everyone may see has plain addresses that never change. Everything else has a token in front of its path, so that
 * the relative addresses inside playlists keep it: an expiry and its HMAC-SHA-256 with the video's id.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const HOUR_S = 3600
/** A token is good for this long at most, and for an hour less at least: all made within an hour are the same. */
const MEDIA_TOKEN_MAX_S = 6 * HOUR_S
const MAC_BYTES = 32
const EXPIRY_BYTES = 4

export type MediaUrls = ReturnType<typeof mediaUrlsOf>

/** Blob keys; all of a video's lie under its prefix. */
export const blobPrefixOf = (videoId: string) => `videos/${videoId}`
export const originalsPrefixOf = (videoId: string) => `originals/${videoId}`
/** What was uploaded, byte for byte. */
export const originalKeyOf = (videoId: string) => `${originalsPrefixOf(videoId)}/original`
/** SHA-256 of each 4 MiB of the original, 32 bytes each. */
export const originalLeavesKeyOf = (videoId: string) => `${originalsPrefixOf(videoId)}/leaves`
export const posterKeyOf = (videoId: string, version: number) =>
  `${blobPrefixOf(videoId)}/poster-${version}.jpg`
export const previewKeyOf = (videoId: string, version: number) =>
  `${blobPrefixOf(videoId)}/preview-${version}.webp`
/** `file` is the init segment's or a segment's name. */
export const segmentKeyOf = (videoId: string, generation: number, renditionId: string, file: string) =>
  `${blobPrefixOf(videoId)}/g${generation}/${renditionId}/${file}`

interface MediaOf {
  readonly id: string
  readonly generation: number | null
  readonly posterVersion: number | null
  readonly previewVersion: number | null
}

/** Addresses of a video's files; `token` null: those that everyone may use. */
export function mediaUrlsOf(video: MediaOf, token: string | null) {
  const base = token === null ? `/media/${video.id}` : `/media/t/${token}/${video.id}`
  return {
    masterUrl: `${base}/g${video.generation ?? 0}/master.m3u8`,
    // Version 0 is "whichever is there": the address of a poster that is still being made.
    posterUrl: `${base}/poster-${video.posterVersion ?? 0}.jpg`,
    previewUrl: video.previewVersion === null ? null : `${base}/preview-${video.previewVersion}.webp`,
  }
}

/** A token that opens this video's files for five to six hours. */
export function signMediaToken(secret: string, videoId: string, now: Date): string {
  const expiresAtS = Math.floor(now.getTime() / 1000 / HOUR_S) * HOUR_S + MEDIA_TOKEN_MAX_S
  const expiry = Buffer.alloc(EXPIRY_BYTES)
  expiry.writeUInt32BE(expiresAtS)
  return Buffer.concat([expiry, macOf(secret, videoId, expiry)]).toString('base64url')
}

/** When the token ends; null when it is not one for this video or has ended. Compares in constant time. */
export function verifyMediaToken(secret: string, videoId: string, token: string, now: Date): Date | null {
  const bytes = Buffer.from(token, 'base64url')
  // base64url has several spellings of the same bytes: only ours is taken, so that caches hold one copy.
  if (bytes.length !== EXPIRY_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return null
  const expiry = bytes.subarray(0, EXPIRY_BYTES)
  if (!timingSafeEqual(bytes.subarray(EXPIRY_BYTES), macOf(secret, videoId, expiry))) return null
  const expiresAt = new Date(expiry.readUInt32BE() * 1000)
  return expiresAt > now ? expiresAt : null
}

function macOf(secret: string, videoId: string, expiry: Buffer): Buffer {
  return createHmac('sha256', secret).update('media-token\0').update(videoId).update(expiry).digest()
}
