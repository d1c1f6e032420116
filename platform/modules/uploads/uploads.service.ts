/**
 * Verbs on uploads: creating, receiving bytes, the index sent ahead, cancelling, failing.
 *
 * Bytes count as received when they are synced and the database knows of them; only then a client hears so.
 */
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Ctx } from '../../app/context.ts'
import { AppError, NotFoundError } from '../../app/errors.ts'
import { inTransaction, isUniqueViolation, type Tx } from '../../infra/db/index.ts'
import { notifyAccount } from '../notifications/index.ts'
import { createVideo, discardVideo, findVideo } from '../videos/index.ts'
import { finishUpload } from './finish-upload.ts'
import { requireRoom, requireSize, requireWritable, storageFull } from './limits.ts'
import type { OpenUpload, OpenUploads } from './open-uploads.ts'
import { publishReceipt } from './receipts.ts'
import { receiveBody, type BodyEnd } from './receive-body.ts'
import { receiveIndex } from './receive-index.ts'
import { removeStaged, StagingDamagedError, stagingPathOf, writeStagedIndex } from './staging-file.ts'
import { readUploadMetadata, type ExpectedChecksum } from './tus-headers.ts'
import * as queries from './uploads.queries.ts'

/** A body that brings nothing for this long is given up; what came is kept. */
const STALL_TIMEOUT_MS = 60_000
/** While a long body comes, what is there is synced and recorded this often. */
const CHECKPOINT_MS = 1_000

export interface CreateUploadInput {
  readonly accountId: string
  readonly sizeBytes: number
  /** The header as it was sent. */
  readonly metadata: string
  /** The Idempotency-Key of the request. */
  readonly clientKey: string | null
}

/**
 * Takes on an upload, reserves its space and makes its video. A repeated key answers the upload that it made.
 *
 * @throws {AppError} invalid-input, video-empty-file, upload-too-large, too-many-uploads, upload-quota-full,
 * storage-full.
 */
export async function createUpload(ctx: Ctx, input: CreateUploadInput): Promise<queries.UploadRow> {
  const { accountId, clientKey, sizeBytes } = input
  const metadata = readUploadMetadata(input.metadata)
  const repeated = clientKey && (await queries.findByClientKey(ctx.db, accountId, clientKey))
  if (repeated) return repeated
  requireSize(ctx, sizeBytes)
  await requireWritable(ctx)
  const id = ctx.newId()
  const videoId = ctx.newId()
  try {
    await inTransaction(ctx, async (tx) => {
      await queries.lockCreation(tx)
      await requireRoom(ctx, tx, accountId, sizeBytes)
      await createVideo(ctx, tx, {
        id: videoId,
        accountId,
        uploadId: id,
        caption: metadata.caption,
        visibility: metadata.visibility,
        coverAtMs: metadata.coverAtMs ?? null,
        isPublishRequested: metadata.publish === '1',
      })
      await queries.insertUpload(tx, {
        id,
        account_id: accountId,
        video_id: videoId,
        client_key: clientKey,
        filename: cleanFilename(metadata.filename),
        media_type: metadata.filetype.replaceAll('\u0000', ''),
        metadata: input.metadata,
        size_bytes: sizeBytes,
        created_at: ctx.clock.now(),
      })
      await publishReceipt(tx, { id, account_id: accountId })
    })
  } catch (error) {
    if (!clientKey || !isUniqueViolation(error, 'upload_account_id_client_key_key')) throw error
  }
  const row = clientKey
    ? await queries.findByClientKey(ctx.db, accountId, clientKey)
    : await queries.findUpload(ctx.db, id)
  return row!
}

/** Control characters can't be shown, and PostgreSQL refuses NUL. */
// oxlint-disable-next-line no-control-regex
const cleanFilename = (name: string) => name.replace(/[\u0000-\u001f\u007f]/g, '').toWellFormed() || 'video'

export interface UploadTarget {
  readonly accountId: string
  readonly uploadId: string
}

/**
 * The upload with how many bytes have been received. Whoever was sending them is interrupted first, so that the number
 * still holds when the asker goes on from it.
 *
 * @throws {NotFoundError} when it is another account's.
 * @throws {AppError} upload-ended, upload-damaged.
 */
export async function readOffset(
  ctx: Ctx,
  open: OpenUploads,
  target: UploadTarget,
): Promise<queries.UploadRow> {
  await requireOwn(ctx, target)
  using _turn = await open.take(target.uploadId)
  const row = await requireOwn(ctx, target)
  if (row.state === 'safe') return row
  await requireReceiving(ctx, row)
  const file = await stat(stagingPathOf(ctx.config.paths.staging, row.id)).catch(() => null)
  if ((file?.size ?? 0) < row.received_bytes)
    throw await failDamaged(ctx, open, row, `Of ${row.received_bytes} bytes ${file?.size ?? 0} are there.`)
  return row
}

export interface ReceiveInput extends UploadTarget {
  readonly offset: number
  /** Of the body; null: not said. */
  readonly contentLength: number | null
  readonly checksum: ExpectedChecksum | null
  readonly body: Readable
}

/**
 * Receives bytes at an offset, which has to be where those that are here end. The number answered is synced, recorded
 * and never taken back. With the last one the upload is safe.
 *
 * @throws {AppError} upload-offset-conflict, upload-checksum-mismatch, upload-taken-over, upload-stalled, body-too-large,
 * storage-full, upload-ended, upload-damaged, client-gone; whatever it is, what came before and fits is kept.
 */
export async function receiveBytes(ctx: Ctx, open: OpenUploads, input: ReceiveInput): Promise<number> {
  await requireOwn(ctx, input)
  using turn = await open.take(input.uploadId)
  const row = await requireOwn(ctx, input)
  if (row.state !== 'safe') await requireReceiving(ctx, row)
  if (input.offset !== row.received_bytes) throw offsetConflict(row.received_bytes, input.offset)
  if (row.state === 'safe') return row.size_bytes
  const roomBytes = row.size_bytes - row.received_bytes
  if ((input.contentLength ?? 0) > roomBytes) throw tooLong(roomBytes)
  const upload = await openOrFail(ctx, open, row)
  try {
    const end = await receiveInto(ctx, upload, input, { roomBytes, signal: turn.signal })
    if (end === 'taken-over') throw (await refusalOf(ctx, row.video_id)) ?? new AppError('upload-taken-over')
    if (end !== 'whole') throw endError(end, roomBytes)
    if (upload.staging.visibleBytes() === upload.sizeBytes) await finishUpload(ctx, open, upload, row)
    return upload.recordedBytes
  } finally {
    // What could not be recorded was not acknowledged: the next request begins where the database says.
    if (upload.staging.visibleBytes() !== upload.recordedBytes)
      await open.close(upload.id, new Error('Bytes came that could not be recorded.'))
  }
}

/** Why the encoder wants no more bytes; null: it does. */
async function refusalOf(ctx: Ctx, videoId: string): Promise<AppError | null> {
  const video = await findVideo(ctx.db, videoId)
  if (!video?.failure_code) return null
  return new AppError('upload-ended', {
    detail: video.failure_reason ?? undefined,
    facts: { failureCode: video.failure_code },
  })
}

async function receiveInto(
  ctx: Ctx,
  upload: OpenUpload,
  { body, checksum }: ReceiveInput,
  { roomBytes, signal }: { roomBytes: number; signal: AbortSignal },
): Promise<BodyEnd> {
  let checkpointAtMs = ctx.clock.monotonicMs()
  try {
    return await receiveBody(body, upload.staging, {
      roomBytes,
      checksum,
      signal,
      stallTimeoutMs: STALL_TIMEOUT_MS,
      async onVisible() {
        upload.announce()
        if (ctx.clock.monotonicMs() - checkpointAtMs < CHECKPOINT_MS) return
        await recordVisible(ctx, upload)
        checkpointAtMs = ctx.clock.monotonicMs()
      },
    })
  } catch (error) {
    if (isDiskFull(error)) throw storageFull({ receivedBytes: upload.staging.visibleBytes() }, error)
    throw error
  } finally {
    await recordVisible(ctx, upload)
  }
}

/** Syncs what is visible, then records it. */
async function recordVisible(ctx: Ctx, upload: OpenUpload): Promise<void> {
  const to = upload.staging.visibleBytes()
  if (to === upload.recordedBytes) return
  await upload.staging.sync()
  // The last byte and `safe` are recorded as one: a client that hears the full length never comes again.
  if (to === upload.sizeBytes) return
  const at = ctx.clock.now()
  const isRecorded = await queries.recordReceived(ctx.db, upload.id, { from: upload.recordedBytes, to, at })
  if (!isRecorded) throw new AppError('upload-ended')
  upload.recordedBytes = to
  await publishReceipt(ctx.db, { id: upload.id, account_id: upload.accountId })
}

/** Or read-only, as Linux makes a disk that fails: there is no room on it either. */
const isDiskFull = (error: unknown) =>
  ['ENOSPC', 'EDQUOT', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')

function endError(end: Exclude<BodyEnd, 'whole' | 'taken-over'>, roomBytes: number): AppError {
  switch (end) {
    case 'client-gone':
      return new AppError('client-gone', { isWorkKept: true })
    case 'stalled':
      return new AppError('upload-stalled', { facts: { waitedS: STALL_TIMEOUT_MS / 1000 } })
    case 'too-long':
      return tooLong(roomBytes)
    case 'checksum-mismatch':
      return new AppError('upload-checksum-mismatch')
  }
}

const tooLong = (roomBytes: number) =>
  new AppError('body-too-large', {
    detail: `The upload takes ${roomBytes} more bytes; more were sent.`,
    facts: { maxBytes: roomBytes },
  })

const offsetConflict = (receivedBytes: number, offset: number) =>
  new AppError('upload-offset-conflict', {
    detail: `${receivedBytes} bytes are here; those sent begin at ${offset}.`,
    facts: { receivedBytes, offset },
  })

/**
 * Keeps the index (`moov`) that lies further back in the file, so that the encoder can begin before it arrives.
 *
 * @throws {AppError} body-too-large, invalid-input, upload-stalled, busy, upload-ended, storage-full.
 */
export async function putIndex(
  ctx: Ctx,
  open: OpenUploads,
  input: UploadTarget & { readonly offset: number; readonly body: Readable },
): Promise<void> {
  const row = await requireReceiving(ctx, await requireOwn(ctx, input))
  const index = await receiveIndex(input.body, row.size_bytes - input.offset)
  try {
    await writeStagedIndex(ctx.config.paths.staging, row.id, index)
  } catch (error) {
    throw isDiskFull(error) ? storageFull({}, error) : error
  }
  await queries.recordIndexOffset(ctx.db, row.id, input.offset, ctx.clock.now())
  open.find(row.id)?.setIndex(index)
}

/**
 * Cancels the upload and discards its video, at any time before it is published. Idempotent.
 *
 * @throws {AppError} upload-is-published.
 */
export async function cancelUpload(ctx: Ctx, open: OpenUploads, target: UploadTarget): Promise<void> {
  await requireOwn(ctx, target)
  using _turn = await open.take(target.uploadId)
  const row = await requireOwn(ctx, target)
  const video = await findVideo(ctx.db, row.video_id)
  if (video?.published_at && !video.deleted_at) throw new AppError('upload-is-published')
  await endUpload(ctx, open, row, { state: 'cancelled', failure: null })
}

export interface Failure {
  readonly code: string
  readonly reason: string
}

interface End {
  readonly state: 'failed' | 'cancelled'
  readonly failure: Failure | null
}

/**
 * Ends an upload that receives or is safe, discards its video and frees its space. The receipt stays, and a failure is
 * a notification too. Idempotent; the caller has the turn.
 */
export async function endUpload(
  ctx: Ctx,
  open: OpenUploads,
  row: Pick<queries.UploadRow, 'id' | 'video_id' | 'account_id'>,
  { state, failure }: End,
): Promise<void> {
  const withdrawals = await inTransaction(ctx, async (tx) => {
    if (!(await queries.markEnded(tx, row.id, { state, failure, at: ctx.clock.now() }))) return []
    const discarded = await discardVideo(ctx, tx, row.video_id)
    if (failure) await notifyFailure(ctx, tx, row, failure.reason)
    await publishReceipt(tx, row)
    return discarded
  })
  await ctx.standby.withdraw(...withdrawals)
  await open.close(row.id, new AppError('upload-ended'))
  await removeStaged(ctx.config.paths.staging, row.id)
}

/** Idempotent. */
export const notifyFailure = (
  ctx: Ctx,
  tx: Tx,
  row: Pick<queries.UploadRow, 'id' | 'account_id'>,
  reason: string,
) =>
  notifyAccount(ctx, tx, {
    accountId: row.account_id,
    kind: 'upload-failed',
    uploadId: row.id,
    excerpt: reason,
  })

async function requireOwn(ctx: Ctx, { accountId, uploadId }: UploadTarget): Promise<queries.UploadRow> {
  const row = await queries.findOwnUpload(ctx.db, accountId, uploadId)
  if (!row) throw new NotFoundError('upload', uploadId)
  return row
}

/** @throws {AppError} upload-ended, also when the video was deleted meanwhile. */
async function requireReceiving(ctx: Ctx, row: queries.UploadRow): Promise<queries.UploadRow> {
  const video = row.state === 'receiving' ? await findVideo(ctx.db, row.video_id) : undefined
  if (!video || video.deleted_at) throw new AppError('upload-ended', { facts: { state: row.state } })
  return row
}

async function openOrFail(ctx: Ctx, open: OpenUploads, row: queries.UploadRow): Promise<OpenUpload> {
  try {
    return await open.open(row)
  } catch (error) {
    if (isDiskFull(error)) throw storageFull({ receivedBytes: row.received_bytes }, error)
    if (error instanceof StagingDamagedError) throw await failDamaged(ctx, open, row, error.message)
    throw error
  }
}

async function failDamaged(
  ctx: Ctx,
  open: OpenUploads,
  row: queries.UploadRow,
  reason: string,
): Promise<AppError> {
  ctx.log.error({ uploadId: row.id, reason }, 'received bytes are damaged')
  await endUpload(ctx, open, row, { state: 'failed', failure: { code: 'upload-damaged', reason } })
  return new AppError('upload-damaged', { detail: reason })
}
