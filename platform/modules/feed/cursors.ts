/**
 * Cursors: sealed with the instance's secret, so that what comes back is what was given.
 *
 * A For You cursor is a position in a snapshot. It also carries short hashes of what was shown last, so that the feed goes
 * on without repeating itself when the snapshot is gone.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../app/errors.ts'

const MAC_BYTES = 16
const ID_BYTES = 16
const POSITION_BYTES = 2
const HASH_BYTES = 4
/** How many of the last shown videos a cursor remembers by itself. */
export const CURSOR_SHOWN_MAX = 256
/** A page that was not ranked for anybody has nothing but these to go on by: more than the longest list that there is. */
export const STANDBY_SHOWN_MAX = 512
/** Longest cursor that is ever made, in characters of base64url. */
export const CURSOR_MAX_LENGTH = Math.ceil(((1 + STANDBY_SHOWN_MAX * HASH_BYTES + MAC_BYTES) * 4) / 3)

const KIND = { forYou: 1, following: 2, standby: 3 } as const

export interface ForYouCursor {
  /** Null: it comes from a page that was ranked for no one. */
  readonly snapshotId: string | null
  readonly position: number
  /** Short hashes of the videos shown last, oldest first: see `addShown`. */
  readonly shown: Buffer
}

export interface FollowingCursor {
  /** The last item's publication as PostgreSQL writes it: JavaScript's dates would round it. */
  readonly publishedAt: string
  readonly videoId: string
}

export const NOTHING_SHOWN = Buffer.alloc(0)

/** 32 of a video id's random bits (a UUIDv7 ends in them), in hexadecimal. */
const shortHashOf = (videoId: string): string => videoId.slice(-HASH_BYTES * 2)

/** What was shown and now these; the oldest are forgotten above `max`. */
export function addShown(shown: Buffer, videoIds: readonly string[], max = CURSOR_SHOWN_MAX): Buffer {
  const added = Buffer.from(videoIds.map(shortHashOf).join(''), 'hex')
  return Buffer.concat([shown, added]).subarray(-max * HASH_BYTES)
}

/** Tells whether a video is among those shown. */
export function shownFilter(shown: Buffer): (videoId: string) => boolean {
  const hashes = new Set<string>()
  for (let at = 0; at < shown.length; at += HASH_BYTES) hashes.add(shown.toString('hex', at, at + HASH_BYTES))
  return (videoId) => hashes.has(shortHashOf(videoId))
}

export function sealForYouCursor(secret: string, cursor: ForYouCursor): string {
  if (cursor.snapshotId === null) return seal(secret, KIND.standby, cursor.shown)
  const head = Buffer.allocUnsafe(ID_BYTES + POSITION_BYTES)
  head.write(cursor.snapshotId.replaceAll('-', ''), 0, 'hex')
  head.writeUInt16BE(cursor.position, ID_BYTES)
  return seal(secret, KIND.forYou, Buffer.concat([head, cursor.shown]))
}

/** @throws {AppError} invalid-input, when it is not one of ours. */
export function openForYouCursor(secret: string, text: string): ForYouCursor {
  const { kind, bytes } = open(secret, [KIND.forYou, KIND.standby], text)
  if (kind === KIND.standby) return { snapshotId: null, position: 0, shown: bytes }
  return {
    snapshotId: uuidOf(bytes.subarray(0, ID_BYTES)),
    position: bytes.readUInt16BE(ID_BYTES),
    shown: bytes.subarray(ID_BYTES + POSITION_BYTES),
  }
}

export function sealFollowingCursor(secret: string, cursor: FollowingCursor): string {
  return seal(secret, KIND.following, Buffer.from(`${cursor.videoId} ${cursor.publishedAt}`))
}

/** @throws {AppError} invalid-input, when it is not one of ours. */
export function openFollowingCursor(secret: string, text: string): FollowingCursor {
  const plain = open(secret, [KIND.following], text).bytes.toString()
  return { videoId: plain.slice(0, 36), publishedAt: plain.slice(37) }
}

function seal(secret: string, kind: number, body: Buffer): string {
  const bytes = Buffer.concat([Buffer.of(kind), body])
  return Buffer.concat([bytes, macOf(secret, bytes)]).toString('base64url')
}

function open(secret: string, kinds: readonly number[], text: string): { kind: number; bytes: Buffer } {
  const bytes = Buffer.from(text, 'base64url')
  const end = bytes.length - MAC_BYTES
  const isOurs =
    end > 0 &&
    kinds.includes(bytes[0]!) &&
    timingSafeEqual(bytes.subarray(end), macOf(secret, bytes.subarray(0, end)))
  if (!isOurs)
    throw new AppError('invalid-input', {
      detail: 'This cursor was not made by this feed.',
      next: 'Leave the cursor out to start at the top.',
      fields: { cursor: 'was not made by this feed' },
    })
  return { kind: bytes[0]!, bytes: bytes.subarray(1, end) }
}

function macOf(secret: string, bytes: Buffer): Buffer {
  return createHmac('sha256', secret).update('feed-cursor\0').update(bytes).digest().subarray(0, MAC_BYTES)
}

/** Where the hexadecimal digits of each byte stand in the text of a UUID (RFC 9562, 4). */
const UUID_PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const uuidText = Buffer.alloc(36, '-')
const HEX = Buffer.from('0123456789abcdef')

/** The text of a UUID, in one piece: one that is joined of parts would be kept as these, in ten times the memory. */
export function uuidOf(bytes: Buffer): string {
  for (const [at, place] of UUID_PLACES.entries()) {
    const byte = bytes[at]!
    uuidText[place] = HEX[byte >> 4]!
    uuidText[place + 1] = HEX[byte & 15]!
  }
  return uuidText.toString('latin1')
}
