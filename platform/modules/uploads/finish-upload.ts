/** From the last byte to the encoder: the upload is safe, its original lies among the blobs, the work is asked for. */
import { link, rm } from 'node:fs/promises'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { requestFirstPlayable } from '../transcoding/index.ts'
import { originalKeyOf, originalLeavesKeyOf } from '../videos/index.ts'
import type { OpenUpload, OpenUploads } from './open-uploads.ts'
import { publishReceipt } from './receipts.ts'
import {
  handOverPathOf,
  openStagingFile,
  readStagedIndex,
  removeStaged,
  StagingDamagedError,
  stagingPathOf,
} from './staging-file.ts'
import * as queries from './uploads.queries.ts'

/**
 * Marks a wholly received upload as safe, and begins to hand it over; the answer to the client does not wait for that.
 *
 * @throws {AppError} upload-ended when it was cancelled meanwhile.
 */
export async function finishUpload(
  ctx: Ctx,
  open: OpenUploads,
  upload: OpenUpload,
  row: queries.UploadRow,
): Promise<void> {
  const { sha256, leaves } = upload.staging.digest()
  await inTransaction(ctx, async (tx) => {
    const safe = { sha256, sizeBytes: upload.sizeBytes, at: ctx.clock.now() }
    if (!(await queries.markSafe(tx, row.id, safe))) throw new AppError('upload-ended')
    await publishReceipt(tx, row)
  })
  upload.recordedBytes = upload.sizeBytes
  const isIndexTrue = await matchesIndex(ctx, upload, row.index_offset)
  // An index that lies is no index: what was encoded by it is left, and the whole file decides.
  if (!isIndexTrue) await open.close(row.id, new Error('The index that was sent ahead is not the file’s.'))
  const work = async () => {
    await handOver(ctx, { ...pick(row), sha256, leaves })
    upload.settleSafe()
    await open.release(row.id)
    await open.whenUnread(row.id)
    await removeStaged(ctx.config.paths.staging, row.id)
  }
  open.track(
    work().catch((error: unknown) => {
      // Upkeep tries again.
      ctx.log.warn({ err: error, uploadId: row.id }, 'uploads.hand-over-failed')
    }),
  )
}

async function matchesIndex(ctx: Ctx, upload: OpenUpload, offset: number | null): Promise<boolean> {
  const index = offset === null ? null : await readStagedIndex(ctx.config.paths.staging, upload.id)
  if (!index || offset === null) return true
  return index.equals(await upload.staging.read(offset, index.length))
}

interface Original {
  readonly id: string
  readonly videoId: string
  readonly accountId: string
  readonly sizeBytes: number
}

const pick = (row: queries.UploadRow): Original => ({
  id: row.id,
  videoId: row.video_id,
  accountId: row.account_id,
  sizeBytes: row.size_bytes,
})

/** Puts the original among the blobs and asks for the first playable generation. Idempotent after any crash in it. */
async function handOver(
  ctx: Ctx,
  original: Original & { readonly sha256: Buffer; readonly leaves: readonly Buffer[] },
): Promise<void> {
  const { id, videoId, accountId, sizeBytes, sha256, leaves } = original
  if (!(await isStored(ctx, original))) {
    await ctx.blobs.put(originalLeavesKeyOf(videoId), Buffer.concat(leaves))
    const path = await nameOriginal(ctx.config.paths.staging, id)
    await ctx.blobs.putFile(originalKeyOf(videoId), path, { sizeBytes, sha256: sha256.toString('hex') })
  }
  await inTransaction(ctx, async (tx) => {
    await queries.markStored(tx, id, ctx.clock.now())
    await requestFirstPlayable(ctx, tx, { videoId, accountId })
  })
}

const isStored = async (ctx: Ctx, { videoId, sizeBytes }: Original) =>
  (await ctx.blobs.stat(originalKeyOf(videoId)))?.sizeBytes === sizeBytes

/** A path that may be moved away: a second name of the bytes; their only one where there are no hard links. */
async function nameOriginal(dir: string, uploadId: string): Promise<string> {
  const path = handOverPathOf(dir, uploadId)
  try {
    await rm(path, { force: true })
    await link(stagingPathOf(dir, uploadId), path)
    return path
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return stagingPathOf(dir, uploadId)
  }
}

/** Hands over what a process left behind that ended between `safe` and here. The caller has the turn. */
export async function resumeHandOver(ctx: Ctx, row: queries.UploadRow): Promise<void> {
  const original = pick(row)
  const sha256 = row.sha256!
  const dir = ctx.config.paths.staging
  if (await isStored(ctx, original)) {
    await handOver(ctx, { ...original, sha256, leaves: [] })
  } else {
    await using staging = await openStagingFile(dir, row.id, row.size_bytes)
    const read = staging.digest()
    if (!read.sha256.equals(sha256)) throw new StagingDamagedError('The original is not as it came.')
    await handOver(ctx, { ...original, ...read })
  }
  await removeStaged(dir, row.id)
}
