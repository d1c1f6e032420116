/** Receipts: what is true of an upload now, derived from its row and from what there is of its video. */
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { Receipt, UploadFailure, UploadState } from '../../../contract/uploads.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError, problemKinds, type ProblemCode } from '../../app/errors.ts'
import { publishLive } from '../../app/live.ts'
import { cutPage, pageOfRows, readCursor } from '../../app/paging.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import { mediaUrlsOf, signMediaToken } from '../videos/index.ts'
import * as queries from './uploads.queries.ts'

/** The receipt, whoever asks: for live updates to the upload's own account. Null: there is no such upload. */
export async function loadReceipt(ctx: Ctx, uploadId: string): Promise<Receipt | null> {
  const row = await queries.findReceipt(ctx.db, uploadId)
  return row ? presentReceipt(ctx, row) : null
}

/** @throws {NotFoundError} when it is missing or another account's. */
export async function readReceipt(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly uploadId: string },
): Promise<Receipt> {
  const row = await queries.findReceipt(ctx.db, input.uploadId)
  if (row?.account_id !== input.viewerId) throw new NotFoundError('upload', input.uploadId)
  return presentReceipt(ctx, row)
}

/** Own receipts, newest first. */
export async function listReceipts(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly page: PageQuery },
): Promise<Page<Receipt>> {
  const { cursor, limit } = input.page
  const rows = await queries.listReceipts(ctx.db, input.viewerId, readCursor(cursor), limit + 1)
  return pageOfRows(cutPage(rows, limit), (row) => presentReceipt(ctx, row))
}

/** Tells the account's open browsers that the receipt says something new. */
export const publishReceipt = (db: Db | Tx, upload: { readonly id: string; readonly account_id: string }) =>
  publishLive(db, {
    topic: `account:${upload.account_id}`,
    update: { kind: 'receipt', uploadId: upload.id },
  })

const iso = (date: Date | null) => date?.toISOString() ?? null

function presentReceipt(ctx: Pick<Ctx, 'secrets' | 'clock'>, row: queries.ReceiptRow): Receipt {
  const state = deriveState(row)
  const failure = deriveFailure(row)
  const isOver = state === 'failed' || state === 'cancelled'
  return {
    id: row.id,
    videoId: row.video_id,
    filename: row.filename,
    sizeBytes: row.size_bytes,
    receivedBytes: row.received_bytes,
    state,
    isPublishRequested: row.publishRequestedAt !== null,
    publishedAt: iso(row.publishedAt),
    sha256: row.sha256?.toString('hex') ?? null,
    playableHeight: isOver ? null : row.playableHeight,
    progress: deriveProgress(row, state),
    timeLeftS: state === 'safe' || state === 'playable' ? row.workLeftS : null,
    waitsFor: isOver || state === 'complete' ? null : row.waitsFor,
    failure,
    caption: row.caption ?? '',
    visibility: row.visibility ?? 'private',
    createdAt: row.created_at.toISOString(),
    safeAt: iso(row.safe_at),
    playableAt: iso(row.playableAt),
    completeAt: iso(row.completeAt),
    endedAt: iso(endOf(row, state)),
    posterUrl: row.deletedAt === null ? posterOf(ctx, row) : null,
    asOf: row.asOf.toISOString(),
  }
}

function deriveState(row: queries.ReceiptRow): UploadState {
  if (row.state === 'failed' || row.state === 'cancelled') return row.state
  if (row.isComplete) return 'complete'
  if (row.deletedAt !== null) return 'cancelled'
  if (row.state === 'receiving') return 'receiving'
  if (row.generation !== null) return 'playable'
  return row.videoFailedAt !== null ? 'failed' : 'safe'
}

function deriveFailure(row: queries.ReceiptRow): UploadFailure | null {
  const code = row.failure_code ?? row.videoFailureCode
  if (code === null) return null
  const kind = Object.hasOwn(problemKinds, code) ? problemKinds[code as ProblemCode] : null
  return {
    code,
    reason: row.failure_reason ?? row.videoFailureReason ?? kind?.title ?? code,
    next: kind?.next ?? problemKinds.unexpected.next,
    // What is wrong with the file itself stays wrong however often it is sent.
    canRetry: code === 'upload-expired' || kind?.side !== 'you',
  }
}

function deriveProgress(row: queries.ReceiptRow, state: UploadState): number | null {
  if (state === 'receiving') return row.received_bytes / row.size_bytes
  return state === 'safe' || state === 'playable' ? row.workProgress : null
}

/** When nothing more is to be expected of it. */
function endOf(row: queries.ReceiptRow, state: UploadState): Date | null {
  if (row.ended_at) return row.ended_at
  if (state === 'complete') return row.completeAt
  if (state === 'cancelled') return row.deletedAt
  return row.videoFailedAt
}

function posterOf(ctx: Pick<Ctx, 'secrets' | 'clock'>, row: queries.ReceiptRow): string | null {
  if (row.posterVersion === null) return null
  const isOpen = row.visibility === 'public' && row.publishedAt !== null
  const token = isOpen ? null : signMediaToken(ctx.secrets.media, row.video_id, ctx.clock.now())
  const { id: _upload, generation, posterVersion } = row
  return mediaUrlsOf({ id: row.video_id, generation, posterVersion, previewVersion: null }, token).posterUrl
}
