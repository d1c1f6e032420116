/** Profile pictures: any common image in, one small square JPEG out, made anew so that nothing of the original rides along. */
import { createHash } from 'node:crypto'
import { PICTURE_MAX_BYTES } from '../../../../contract/accounts.ts'
import { createSlots, NoSlotError } from '../../../../kit/bounded/slots.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import type { Viewer } from '../../../app/http.ts'
import { FfmpegError, runFfmpeg } from '../../../infra/ffmpeg/index.ts'
import * as queries from '../accounts.queries.ts'

export const PICTURE_EDGE_PX = 320
const OUTPUT_MAX_BYTES = 1024 * 1024
const TIMEOUT_MS = 10_000
const MEMORY_BYTES = 1024 ** 3
const SOURCE_MAX_PIXELS = 50_000_000
/** A few kilobytes can unfold to as many pixels as are allowed, which takes 200 MB and a second of a core. */
const slots = createSlots({ running: 2, waiting: 16 })

/** First bytes → demuxer and decoder of ffmpeg; nothing else is tried. */
const FORMATS: readonly { matches: (b: Uint8Array) => boolean; demuxer: string; decoder: string }[] = [
  { matches: (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff, demuxer: 'jpeg_pipe', decoder: 'mjpeg' },
  { matches: (b) => ascii(b, 1, 4) === 'PNG', demuxer: 'png_pipe', decoder: 'png' },
  {
    matches: (b) => ascii(b, 0, 4) === 'RIFF' && ascii(b, 8, 12) === 'WEBP',
    demuxer: 'webp_pipe',
    decoder: 'webp',
  },
  { matches: (b) => ascii(b, 0, 4) === 'GIF8', demuxer: 'gif_pipe', decoder: 'gif' },
]

const ascii = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')

/**
 * Replaces the viewer's picture by a centred square of it.
 *
 * @throws {AppError} picture-unreadable, body-too-large, busy.
 */
export async function setPicture(ctx: Ctx, viewer: Viewer, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength > PICTURE_MAX_BYTES)
    throw new AppError('body-too-large', { facts: { maxBytes: PICTURE_MAX_BYTES } })
  const picture = await inSlot(() => renderSquare(bytes))
  const hash = createHash('sha256').update(picture).digest('hex').slice(0, 32)
  const key = `pictures/${viewer.id}/${hash}.jpg`
  await ctx.blobs.put(key, picture)
  await replacePicture(ctx, viewer, key)
}

export async function removePicture(ctx: Ctx, viewer: Viewer): Promise<void> {
  await replacePicture(ctx, viewer, null)
}

async function replacePicture(ctx: Ctx, viewer: Viewer, key: string | null): Promise<void> {
  const before = await queries.findAccountById(ctx.db, viewer.id)
  await queries.updateAccount(ctx.db, viewer.id, { image: key, updated_at: ctx.clock.now() })
  if (before?.image && before.image !== key) await ctx.blobs.delete(before.image)
}

async function inSlot<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await slots.run(work)
  } catch (cause) {
    if (!(cause instanceof NoSlotError)) throw cause
    throw new AppError('busy', {
      detail: 'Too many pictures are being made at this moment.',
      isWorkKept: true,
      retryAfterS: 5,
      cause,
    })
  }
}

async function renderSquare(bytes: Uint8Array): Promise<Buffer> {
  const format = FORMATS.find(({ matches }) => matches(bytes))
  if (!format) throw new AppError('picture-unreadable')
  const chunks: Uint8Array[] = []
  const edge = String(PICTURE_EDGE_PX)
  try {
    await runFfmpeg({
      args: [
        ...[
          '-hide_banner',
          '-nostdin',
          '-loglevel',
          'error',
          '-protocol_whitelist',
          'pipe',
          '-max_pixels',
          String(SOURCE_MAX_PIXELS),
        ],
        ...['-f', format.demuxer, '-c:v', format.decoder, '-i', 'pipe:0'],
        ...[
          '-frames:v',
          '1',
          '-vf',
          `scale=${edge}:${edge}:force_original_aspect_ratio=increase,crop=${edge}:${edge},format=yuvj420p`,
        ],
        ...['-map_metadata', '-1', '-c:v', 'mjpeg', '-q:v', '4', '-f', 'mjpeg', 'pipe:3'],
      ],
      limits: { timeoutMs: TIMEOUT_MS, memoryBytes: MEMORY_BYTES, outputBytes: OUTPUT_MAX_BYTES },
      stdin: (async function* () {
        yield bytes
      })(),
      outputs: [(chunk) => void chunks.push(chunk)],
    })
  } catch (error) {
    if (error instanceof FfmpegError && error.failure !== 'not-installed' && error.failure !== 'cancelled') {
      throw new AppError('picture-unreadable', { cause: error })
    }
    throw error
  }
  if (chunks.length === 0) throw new AppError('picture-unreadable')
  return Buffer.concat(chunks)
}
