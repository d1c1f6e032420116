/** What the process that holds the staged files looks after: once at its start, then every minute. */
import { readdir, stat } from 'node:fs/promises'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { discardVideo } from '../videos/index.ts'
import { resumeHandOver } from './finish-upload.ts'
import type { OpenUploads } from './open-uploads.ts'
import { removeStaged, StagingDamagedError } from './staging-file.ts'
import { endRefused } from './encoder.ts'
import { endUpload } from './uploads.service.ts'
import * as queries from './uploads.queries.ts'

const INTERVAL_MS = 60_000
const DAY_MS = 24 * 3_600_000
/** An upload that gets no byte for so long is given up. */
export const STALE_AFTER_MS = 7 * DAY_MS
/** One that never got any: it holds reserved space for nothing, and losing it loses no byte. */
export const UNBEGUN_AFTER_MS = 3_600_000
/** The original of what could not become a video is kept this long, should an operator want to see it. */
const REFUSED_KEPT_MS = 7 * DAY_MS
const AT_ONCE = 100

/**
 * Ends what got no bytes for seven days, or never any, or lost its video, hands over what a crash left behind, and removes staged files
 * that nobody needs. Idempotent.
 */
export async function keepUploads(ctx: Ctx, open: OpenUploads): Promise<void> {
  const now = ctx.clock.now().getTime()
  const stale = { before: new Date(now - STALE_AFTER_MS), unbegunBefore: new Date(now - UNBEGUN_AFTER_MS) }
  for (const { id } of await queries.listStale(ctx.db, stale, AT_ONCE)) await endStale(ctx, open, id)
  for (const { id } of await queries.listOrphaned(ctx.db, AT_ONCE)) await cancelOrphan(ctx, open, id)
  for (const { id } of await queries.listRefused(ctx.db, AT_ONCE)) await endRefused(ctx, open, id)
  for (const row of await queries.listUnstored(ctx.db, AT_ONCE)) await handOverAgain(ctx, open, row)
  for (const { videoId } of await queries.listSpent(ctx.db, new Date(now - REFUSED_KEPT_MS), AT_ONCE))
    await ctx.standby.withdraw(...(await inTransaction(ctx, (tx) => discardVideo(ctx, tx, videoId))))
  await removeUnneeded(ctx)
  await open.closeIdle()
}

async function endStale(ctx: Ctx, open: OpenUploads, uploadId: string): Promise<void> {
  using _turn = await open.take(uploadId)
  const row = await queries.findUpload(ctx.db, uploadId)
  if (row?.state !== 'receiving') return
  await endUpload(ctx, open, row, {
    state: 'failed',
    failure: {
      code: 'upload-expired',
      reason:
        row.received_bytes === 0
          ? `${row.filename}: not one of ${row.size_bytes} bytes came within ${UNBEGUN_AFTER_MS / 60_000} minutes.`
          : `${row.filename}: ${row.received_bytes} of ${row.size_bytes} bytes came, and none for ${STALE_AFTER_MS / DAY_MS} days.`,
    },
  })
}

async function cancelOrphan(ctx: Ctx, open: OpenUploads, uploadId: string): Promise<void> {
  using _turn = await open.take(uploadId)
  const row = await queries.findUpload(ctx.db, uploadId)
  if (row?.state === 'receiving') await endUpload(ctx, open, row, { state: 'cancelled', failure: null })
}

async function handOverAgain(ctx: Ctx, open: OpenUploads, row: queries.UploadRow): Promise<void> {
  // This process is at it already.
  if (open.find(row.id)) return
  using _turn = await open.take(row.id)
  try {
    await resumeHandOver(ctx, row)
  } catch (error) {
    if (!(error instanceof StagingDamagedError)) throw error
    ctx.log.error({ err: error, uploadId: row.id }, 'uploads.original-damaged')
    const failure = { code: 'upload-damaged', reason: error.message }
    await endUpload(ctx, open, row, { state: 'failed', failure })
  }
}

/** Staged files have their upload's id in their names; those written to in the last minutes are left alone. */
async function removeUnneeded(ctx: Ctx): Promise<void> {
  const dir = ctx.config.paths.staging
  const names = await readdir(dir).catch(() => [])
  const ids = [...new Set(names.map((name) => name.split('.', 1)[0]!).filter((id) => id.length === 36))]
  const needed = await queries.listStaged(ctx.db, ids)
  const before = ctx.clock.now().getTime() - INTERVAL_MS
  for (const name of names) {
    const id = name.split('.', 1)[0]!
    if (id.length !== 36 || needed.has(id)) continue
    const file = await stat(`${dir}/${name}`).catch(() => null)
    if (file && file.ctimeMs < before) await removeStaged(dir, id)
  }
}

/** Keeps uploads until disposal; also at once when a video is deleted whose bytes are arriving here. */
export function startUploadUpkeep(ctx: Ctx, open: OpenUploads): AsyncDisposable {
  const keeping = startUpkeep(ctx, {
    intervalMs: INTERVAL_MS,
    work: () => keepUploads(ctx, open),
    failure: 'uploads.upkeep-failed',
  })
  let ending: Promise<void> = Promise.resolve()
  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (payload) => {
    const { kind, videoId } = payload as { kind: string; videoId?: string }
    if (kind !== 'video-deleted' || videoId === undefined) return
    ending = ending
      .then(() => endUploadOf(ctx, open, videoId))
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'uploads.upkeep-failed'))
  })
  return {
    async [Symbol.asyncDispose]() {
      stopListening()
      await keeping[Symbol.asyncDispose]()
      await ending
    },
  }
}

async function endUploadOf(ctx: Ctx, open: OpenUploads, videoId: string): Promise<void> {
  const row = await queries.findByVideo(ctx.db, videoId)
  if (row?.state === 'receiving') await cancelOrphan(ctx, open, row.id)
}
