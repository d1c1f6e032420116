/**
 * The uploads whose bytes this process is receiving: their staging files, whose turn it is, and what the encoder is told
 * of them while they arrive.
 */
import type { Ctx } from '../../app/context.ts'
import type { ArrivingUpload } from '../transcoding/index.ts'
import { openStagingFile, readStagedIndex, type StagingFile } from './staging-file.ts'
import { createTakeoverLock, type Turn } from './takeover-lock.ts'

/** A file that nobody has written to for this long is closed; the next request opens it again. */
const IDLE_CLOSE_MS = 10 * 60_000

export interface OpenUpload {
  readonly id: string
  readonly videoId: string
  readonly accountId: string
  readonly sizeBytes: number
  readonly staging: StagingFile
  /** How many bytes the database knows of. */
  recordedBytes: number
  readonly arriving: ArrivingUpload
  /** Wakes who waits for bytes or the index. */
  announce(): void
  setIndex(index: Buffer): void
  /** The original is safe and among the blobs. */
  settleSafe(): void
  /** There will be no more bytes: cancelled, or the process stops. */
  abort(reason: Error): void
}

export interface OpenUploads extends AsyncDisposable {
  take(uploadId: string): Promise<Turn>
  find(uploadId: string): OpenUpload | undefined
  /** The upload as it is open here, else opened with what was received. Only whoever has the turn calls it. */
  open(row: UploadToOpen): Promise<OpenUpload>
  /** No more bytes will come: who waits for them is told, and the file is closed. */
  close(uploadId: string, reason: Error): Promise<void>
  /** The original is stored: the file is closed here; the encoder may go on reading it. */
  release(uploadId: string): Promise<void>
  /** Settles when the encoder that met the upload's bytes, if one did, has ended. */
  whenUnread(uploadId: string): Promise<void>
  /** Closes those that have been idle for ten minutes. */
  closeIdle(): Promise<void>
  /** Work that the end of the process waits for. */
  track(work: Promise<void>): void
}

export interface UploadToOpen {
  readonly id: string
  readonly video_id: string
  readonly account_id: string
  readonly size_bytes: number
  readonly received_bytes: number
}

export interface OpenUploadsOptions {
  /** Called once for each upload that is opened, so that the encoder can meet its bytes; settles when that has ended. */
  readonly onOpen: (upload: ArrivingUpload) => Promise<unknown>
}

/** Opens the desk; disposal aborts what is arriving, and closes the files. */
export const createOpenUploads = (ctx: Ctx, options: OpenUploadsOptions): OpenUploads =>
  new UploadDesk(ctx, options)

interface Met {
  readonly upload: OpenUpload
  readonly ended: Promise<void>
}

class UploadDesk implements OpenUploads {
  readonly #ctx: Ctx
  readonly #onOpen: OpenUploadsOptions['onOpen']
  readonly #lock = createTakeoverLock()
  readonly #uploads = new Map<string, OpenUpload & { usedAtMs: number }>()
  /** Those that an encoder is reading, here or no longer. */
  readonly #met = new Map<string, Met>()
  readonly #tracked = new Set<Promise<void>>()

  constructor(ctx: Ctx, { onOpen }: OpenUploadsOptions) {
    this.#ctx = ctx
    this.#onOpen = onOpen
  }

  take(uploadId: string): Promise<Turn> {
    return this.#lock.take(uploadId)
  }

  find(uploadId: string): OpenUpload | undefined {
    return this.#uploads.get(uploadId)
  }

  async open(row: UploadToOpen): Promise<OpenUpload> {
    const { clock, config } = this.#ctx
    const known = this.#uploads.get(row.id)
    if (known) {
      known.usedAtMs = clock.monotonicMs()
      return known
    }
    const staging = await openStagingFile(config.paths.staging, row.id, row.received_bytes)
    const index = await readStagedIndex(config.paths.staging, row.id)
    const followed = follow(row, staging, index)
    const upload = {
      ...followed,
      usedAtMs: clock.monotonicMs(),
      announce() {
        upload.usedAtMs = clock.monotonicMs()
        followed.announce()
      },
    }
    this.#uploads.set(row.id, upload)
    this.#meet(upload)
    return upload
  }

  async close(uploadId: string, reason: Error): Promise<void> {
    this.#uploads.get(uploadId)?.abort(reason)
    await this.release(uploadId)
  }

  async release(uploadId: string): Promise<void> {
    const upload = this.#uploads.get(uploadId)
    this.#uploads.delete(uploadId)
    await upload?.staging[Symbol.asyncDispose]()
  }

  async whenUnread(uploadId: string): Promise<void> {
    await this.#met.get(uploadId)?.ended
  }

  track(work: Promise<void>): void {
    const forget = () => void this.#tracked.delete(settled)
    const settled: Promise<void> = work.then(forget, forget)
    this.#tracked.add(settled)
  }

  async closeIdle(): Promise<void> {
    const before = this.#ctx.clock.monotonicMs() - IDLE_CLOSE_MS
    for (const { id, usedAtMs } of [...this.#uploads.values()]) {
      if (usedAtMs > before) continue
      using _turn = await this.#lock.take(id)
      await this.close(id, new Error('No bytes came for ten minutes.'))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#uploads.keys()]) {
      using _turn = await this.#lock.take(id)
      await this.close(id, new Error('The process stops.'))
    }
    for (const { upload } of this.#met.values()) upload.abort(new Error('The process stops.'))
    await Promise.allSettled(this.#tracked)
  }

  #meet(upload: OpenUpload): void {
    const end = () => {
      if (this.#met.get(upload.id)?.upload === upload) this.#met.delete(upload.id)
    }
    const ended = this.#onOpen(upload.arriving).then(end, end)
    this.#met.set(upload.id, { upload, ended })
    this.track(ended)
  }
}

function follow(row: UploadToOpen, staging: StagingFile, firstIndex: Buffer | null): OpenUpload {
  let changed = Promise.withResolvers<void>()
  let index = firstIndex
  const safe = Promise.withResolvers<void>()
  // Not everyone who is given the promise looks at it.
  safe.promise.catch(() => {})
  const ending = new AbortController()
  const announce = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const arriving: ArrivingUpload = {
    uploadId: row.id,
    videoId: row.video_id,
    accountId: row.account_id,
    sizeBytes: row.size_bytes,
    path: staging.path,
    receivedBytes: () => staging.visibleBytes(),
    index: () => index,
    waitForChange: (signal) => settleFirst(changed.promise, signal),
    whenSafe: safe.promise,
    signal: ending.signal,
  }
  return {
    id: row.id,
    videoId: row.video_id,
    accountId: row.account_id,
    sizeBytes: row.size_bytes,
    staging,
    recordedBytes: row.received_bytes,
    arriving,
    announce,
    setIndex(bytes) {
      index = bytes
      announce()
    },
    settleSafe: () => safe.resolve(),
    abort(reason) {
      safe.reject(reason)
      ending.abort(reason)
      announce()
    },
  }
}

/** Settles with the promise, or when the signal is aborted; leaves no listener behind. */
async function settleFirst(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const aborted = Promise.withResolvers<void>()
  const listener = () => aborted.resolve()
  signal.addEventListener('abort', listener, { once: true })
  await Promise.race([promise, aborted.promise])
  signal.removeEventListener('abort', listener)
}
