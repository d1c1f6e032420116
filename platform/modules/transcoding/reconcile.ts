/**
 * Mends after any crash: whatever has its bytes but not its artefacts, and nobody working on it, is asked for again; and
 * whatever says that it can be played is looked at, whether its files are there and as they were written.
 */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import type { CheckDepth } from './artefact-check.ts'
import { markBlobStore } from './blob-store.ts'
import { mendVideo } from './mending.ts'
import * as queries from './reconcile.queries.ts'
import { askFor } from './transcoding.jobs.ts'

export const RECONCILE_EVERY_MS = 30_000
const AT_ONCE = 100
/** Listing a video's folder takes about a millisecond. A library of so many is looked at in each interval. */
const LOOKS_AT_ONCE = 500
/** Looked at first when a process starts: a crash hurts what was written last. */
const RECENT_MS = 24 * 3_600_000
const RECENT_AT_ONCE = 1_000
/** Reading beside the viewers: 64 MiB each 30 s are 184 GB a day. */
const SCRUB_BYTES = 64 * 1024 * 1024
const SCRUB_AGAIN_MS = 7 * 24 * 3_600_000

/** Asks for the work that is missing. Idempotent: what waits already waits once. @returns for how many videos it asked. */
export async function reconcile(ctx: Ctx): Promise<number> {
  const unfinished = await queries.listUnfinished(ctx.db, ctx.clock.now(), AT_ONCE)
  for (const { videoId, accountId, generation } of unfinished)
    await askFor(ctx, ctx.db, generation === null ? 'first-playable' : 'improve', { videoId, accountId })
  return unfinished.length
}

/** Looks whether the newest videos' files are there: for the start of a process. @returns how many were not sound. */
export async function lookAtRecent(ctx: Ctx, signal?: AbortSignal): Promise<number> {
  const since = new Date(ctx.clock.now().getTime() - RECENT_MS)
  return mendAll(ctx, await queries.listRecent(ctx.db, since, RECENT_AT_ONCE), 'presence', signal)
}

/** Looks whether files are there, of the videos looked at longest ago. @returns how many were not sound. */
export async function lookAtNext(ctx: Ctx, signal?: AbortSignal): Promise<number> {
  const at = ctx.clock.now()
  const before = new Date(at.getTime() - RECONCILE_EVERY_MS / 2)
  const videoIds = await queries.takeToLookAt(ctx.db, { at, before, limit: LOOKS_AT_ONCE })
  return mendAll(ctx, videoIds, 'presence', signal)
}

/** Reads files of the videos read longest ago, a bounded amount, each at most once a week. @returns how many were not sound. */
export async function scrub(ctx: Ctx, signal?: AbortSignal): Promise<number> {
  const at = ctx.clock.now()
  const before = new Date(at.getTime() - SCRUB_AGAIN_MS)
  let mended = 0
  for (let readBytes = 0; readBytes < SCRUB_BYTES && !signal?.aborted;) {
    const videoId = await queries.takeToScrub(ctx.db, at, before)
    if (videoId === null) break
    const result = await mendOne(ctx, videoId, 'contents')
    if (!result) continue
    if (!result.isSound) mended++
    readBytes += result.readBytes
  }
  return mended
}

/** Reconciles now and then until disposal, which waits for the video that is being looked at. */
export function startReconciler(ctx: Ctx, intervalMs = RECONCILE_EVERY_MS): AsyncDisposable {
  // A process may start before its database: what belongs to its start is done when it can be.
  let isStarting = true
  return startUpkeep(ctx, {
    intervalMs,
    async work(signal) {
      if (isStarting) await markBlobStore(ctx)
      await reconcile(ctx)
      if (isStarting) await lookAtRecent(ctx, signal)
      isStarting = false
      await lookAtNext(ctx, signal)
      await scrub(ctx, signal)
    },
    failure: 'transcoding.reconcile-failed',
  })
}

async function mendAll(
  ctx: Ctx,
  videoIds: readonly string[],
  depth: CheckDepth,
  signal?: AbortSignal,
): Promise<number> {
  let mended = 0
  for (const videoId of videoIds) {
    if (signal?.aborted) break
    const result = await mendOne(ctx, videoId, depth)
    if (result && !result.isSound) mended++
  }
  return mended
}

/** One that can't be mended now does not keep the others from it. */
async function mendOne(ctx: Ctx, videoId: string, depth: CheckDepth) {
  try {
    return await mendVideo(ctx, videoId, depth)
  } catch (error) {
    ctx.log.warn({ err: error, videoId }, 'transcoding.not-mended')
    return null
  }
}
