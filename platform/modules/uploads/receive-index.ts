/** The index (`moov`) that is sent ahead: received into memory, so small, few at a time, and for a short while. */
import type { Readable } from 'node:stream'
import { BoxError, readMp4Layout } from '../../../engines/ladder/index.ts'
import { createSlots, NoSlotError } from '../../../kit/bounded/slots.ts'
import { AppError } from '../../app/errors.ts'

/** Ten minutes at 240 frames a second, each with its own duration, have one of about 4 MB. */
export const INDEX_MAX_BYTES = 8 * 1024 * 1024
/** A line on which it takes longer gains nothing by it. */
const TIMEOUT_MS = 30_000

const slots = createSlots({ running: 8, waiting: 0 })

/**
 * Receives the index whole. Without it the upload goes on all the same, so nothing is waited for.
 *
 * @throws {AppError} body-too-large, invalid-input, upload-stalled, busy.
 */
export async function receiveIndex(body: Readable, roomBytes: number): Promise<Buffer> {
  const maxBytes = Math.max(0, Math.min(INDEX_MAX_BYTES, roomBytes))
  try {
    return checkIndex(await slots.run(() => readAll(body, maxBytes)))
  } catch (cause) {
    if (!(cause instanceof NoSlotError)) throw cause
    const detail = 'As many indexes as may be are being received.'
    throw new AppError('busy', { detail, isWorkKept: true, retryAfterS: 5, cause })
  }
}

async function readAll(body: Readable, maxBytes: number): Promise<Buffer> {
  const stalled = new AppError('upload-stalled', { facts: { waitedS: TIMEOUT_MS / 1000 } })
  const timer = setTimeout(() => body.destroy(stalled), TIMEOUT_MS)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes)
        throw new AppError('body-too-large', {
          detail: `An index has ${maxBytes} bytes at most here; more were sent.`,
          facts: { maxBytes },
        })
      chunks.push(chunk)
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}

/** What it says is the encoder's to judge; what is no index at all is not kept. */
function checkIndex(bytes: Buffer): Buffer {
  const moov = findIndex(bytes)
  if (moov?.start === 0 && moov.sizeBytes === bytes.length) return bytes
  throw new AppError('invalid-input', { detail: 'These bytes are not exactly one index (moov).' })
}

function findIndex(bytes: Buffer) {
  try {
    return readMp4Layout(bytes).moov
  } catch (error) {
    if (error instanceof BoxError) return null
    throw error
  }
}
