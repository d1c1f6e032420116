/** What may be uploaded now: asked and answered before a byte is sent. */
import { mkdir, statfs } from 'node:fs/promises'
import type { UploadLimits } from '../../../contract/uploads.ts'
import { defaultLimits } from '../../../engines/ladder/limits.ts'
import { findWriteRefusal } from '../../../kit/files/write-refusal.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import * as queries from './uploads.queries.ts'

/** Uploads of one account that are receiving at the same time. */
export const MAX_OPEN_UPLOADS = 10
const STORAGE_RETRY_S = 60
const ACCEPTED_TYPES = [
  'video/mp4',
  'video/quicktime',
  'video/webm',
  'video/x-matroska',
  'video/3gpp',
  'video/mp2t',
  'video/x-msvideo',
  'video/x-flv',
]

/** @param accountId whose quota counts */
export async function loadUploadLimits(ctx: Ctx, accountId: string): Promise<UploadLimits> {
  const { maxSizeBytes, maxDurationS, quotaBytes } = ctx.config.uploads
  const usedBytes = await queries.sumUsed(ctx.db, accountId)
  const diskBytes = (await findDiskRefusal(ctx)) ? 0 : await measureAvailable(ctx, ctx.db)
  return {
    maxSizeBytes,
    maxDurationS,
    quotaBytes,
    usedBytes,
    maxShortEdgePx: defaultLimits.maxShortEdgePx,
    maxConcurrent: MAX_OPEN_UPLOADS,
    availableBytes: Math.min(diskBytes, Math.max(0, quotaBytes - usedBytes)),
    acceptedTypes: ACCEPTED_TYPES,
  }
}

/** Free space beyond the reserve, less what open uploads will still bring. */
async function measureAvailable(ctx: Ctx, db: Db | Tx): Promise<number> {
  if (ctx.config.protectionsOff.has('room')) return Infinity
  const { staging } = ctx.config.paths
  await mkdir(staging, { recursive: true, mode: 0o700 })
  const [disk, blobsFree, reserved] = await Promise.all([
    statfs(staging),
    ctx.blobs.freeBytes(),
    queries.sumReserved(db),
  ])
  const free = Math.min(disk.bavail * disk.bsize, blobsFree ?? Infinity)
  return Math.max(0, free - ctx.config.uploads.reserveBytes - reserved)
}

/**
 * Where bytes arrive and where videos lie can be written to.
 *
 * @throws {AppError} storage-full, which says that the disk can't be written to
 */
export async function requireWritable(ctx: Ctx): Promise<void> {
  const refusal = await findDiskRefusal(ctx)
  if (refusal) throw storageFull({}, refusal)
}

async function findDiskRefusal(ctx: Ctx): Promise<Error | null> {
  const { staging } = ctx.config.paths
  const made = await mkdir(staging, { recursive: true, mode: 0o700 }).then(
    () => null,
    (error: Error) => error,
  )
  return made ?? (await findWriteRefusal(staging)) ?? (await ctx.blobs.findRefusal())
}

/** @throws {AppError} video-empty-file, upload-too-large */
export function requireSize(ctx: Ctx, sizeBytes: number): void {
  const { maxSizeBytes } = ctx.config.uploads
  if (sizeBytes === 0) throw new AppError('video-empty-file')
  if (sizeBytes <= maxSizeBytes) return
  throw new AppError('upload-too-large', {
    detail: `The file has ${sizeBytes} bytes; ${maxSizeBytes} are the most.`,
    facts: { sizeBytes, maxSizeBytes },
  })
}

/**
 * Makes sure that there is room for one more upload. Called with creations locked, so that two can't be given the same
 * room.
 *
 * @throws {AppError} too-many-uploads, upload-quota-full, storage-full
 */
export async function requireRoom(ctx: Ctx, tx: Tx, accountId: string, sizeBytes: number): Promise<void> {
  if ((await queries.countOpen(tx, accountId)) >= MAX_OPEN_UPLOADS)
    throw new AppError('too-many-uploads', {
      detail: `${MAX_OPEN_UPLOADS} of your uploads are open, which is the most.`,
      facts: { maxConcurrent: MAX_OPEN_UPLOADS },
    })
  await requireQuota(ctx, tx, accountId, sizeBytes)
  const availableBytes = await measureAvailable(ctx, tx)
  if (sizeBytes > availableBytes) throw storageFull({ sizeBytes, availableBytes })
}

async function requireQuota(ctx: Ctx, tx: Tx, accountId: string, sizeBytes: number): Promise<void> {
  const { quotaBytes } = ctx.config.uploads
  const usedBytes = await queries.sumUsed(tx, accountId)
  if (sizeBytes <= quotaBytes - usedBytes) return
  throw new AppError('upload-quota-full', {
    detail: `Your videos take ${usedBytes} of ${quotaBytes} bytes; this one has ${sizeBytes}.`,
    facts: { sizeBytes, usedBytes, quotaBytes },
  })
}

/** Of a disk that has no room, or that takes nothing although it may have room: `cause` tells which. */
export function storageFull(facts: Record<string, number> = {}, cause?: unknown): AppError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  const isFull = code === undefined || FULL.has(code)
  return new AppError('storage-full', {
    ...(isFull ? {} : { detail: detailOf(code) }),
    retryAfterS: STORAGE_RETRY_S,
    facts: { ...facts, cause: isFull ? 'full' : code === 'EROFS' ? 'read-only' : 'not-writable' },
    cause,
  })
}

/** Of a disk, or of what one user may have of it. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])

const detailOf = (code: string) =>
  code === 'EROFS'
    ? 'The disk for videos can only be read at this moment: it takes nothing new.'
    : `The disk for videos takes nothing new at this moment (${code}).`
