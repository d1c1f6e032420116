/** From a request's body into the staging file: bounded memory, few large writes, and an end that is always known. */
import type { Readable } from 'node:stream'
import type { StagingFile } from './staging-file.ts'
import type { ExpectedChecksum } from './tus-headers.ts'

/** Read ahead of the disk at most. */
const QUEUE_MAX_BYTES = 4 * 1024 * 1024

export type BodyEnd =
  /** All of it came. */
  | 'whole'
  | 'client-gone'
  /** Another request wants the upload. */
  | 'taken-over'
  | 'stalled'
  /** More came than fits; the surplus was not written. */
  | 'too-long'
  | 'checksum-mismatch'

export interface ReceiveOptions {
  /** How many bytes may come. */
  readonly roomBytes: number
  /** Then nothing is visible before all of it came and fits. */
  readonly checksum: ExpectedChecksum | null
  /** Ends it in the middle. */
  readonly signal: AbortSignal
  readonly stallTimeoutMs: number
  /** After each write; its work is waited for. */
  readonly onVisible: () => Promise<void> | void
}

/**
 * Receives until the body ends, for whatever reason. Afterwards the staging file has no bytes that are not visible.
 *
 * @throws what the disk throws (ENOSPC …); what came before that stays visible.
 */
export async function receiveBody(
  body: Readable,
  staging: StagingFile,
  options: ReceiveOptions,
): Promise<BodyEnd> {
  const { checksum } = options
  const writer = startWriter(staging, options)
  let end: BodyEnd
  try {
    end = await readInto(writer, body, options)
    await writer.finish()
  } catch (error) {
    await staging.rollback()
    throw error
  }
  if (!checksum) return end
  const isRight = end === 'whole' && checksum.hash.digest().equals(checksum.digest)
  if (!isRight) {
    await staging.rollback()
    return end === 'whole' ? 'checksum-mismatch' : end
  }
  staging.commit()
  await options.onVisible()
  return 'whole'
}

interface Writer {
  /** Waits while too much is queued. */
  push(chunk: Buffer): Promise<void> | void
  finish(): Promise<void>
}

function startWriter(staging: StagingFile, { checksum, onVisible }: ReceiveOptions): Writer {
  let queue: Buffer[] = []
  let queuedBytes = 0
  let writing: Promise<void> | null = null

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      queuedBytes = 0
      await staging.append(batch, { isProvisional: checksum !== null })
      if (checksum) continue
      staging.commit()
      await onVisible()
    }
    writing = null
  }

  return {
    push(chunk) {
      checksum?.hash.update(chunk)
      queue.push(chunk)
      queuedBytes += chunk.length
      if (!writing) {
        writing = drain()
        // Looked at by the next `push` that waits, or by `finish`.
        writing.catch(() => {})
      }
      return queuedBytes > QUEUE_MAX_BYTES ? writing : undefined
    },
    finish: async () => writing ?? undefined,
  }
}

/** Reads by events: an iterator that is left in the middle would cut the connection before the answer. */
function readInto(
  writer: Writer,
  body: Readable,
  { roomBytes, signal, stallTimeoutMs }: ReceiveOptions,
): Promise<BodyEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<BodyEnd>()
  let leftBytes = roomBytes
  const stall = setTimeout(() => resolve('stalled'), stallTimeoutMs)
  const listeners = {
    data(chunk: Buffer) {
      if (chunk.length > leftBytes) return resolve('too-long')
      leftBytes -= chunk.length
      stall.refresh()
      const waiting = writer.push(chunk)
      if (!waiting) return
      body.pause()
      waiting.then(() => {
        stall.refresh()
        body.resume()
      }, reject)
    },
    end: () => resolve('whole'),
    error: () => resolve('client-gone'),
    close: () => resolve(body.readableEnded ? 'whole' : 'client-gone'),
  }
  const takeOver = () => resolve('taken-over')
  signal.addEventListener('abort', takeOver)
  for (const [event, listener] of Object.entries(listeners)) body.on(event, listener)
  if (signal.aborted) takeOver()
  if (body.destroyed) listeners.close()
  return promise.finally(() => {
    clearTimeout(stall)
    signal.removeEventListener('abort', takeOver)
    for (const [event, listener] of Object.entries(listeners)) body.off(event, listener)
    // What still comes is read and dropped, so that the answer can be.
    body.on('error', () => {}).resume()
  })
}
