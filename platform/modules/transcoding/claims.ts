/** One worker per video at a time, whichever lane and process: a claim in the database that lapses with its holder. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ctx } from '../../app/context.ts'
import * as queries from './transcoding.queries.ts'

/** A killed process's work is taken up after this. */
const CLAIM_MS = 10_000
const RENEW_MS = 3_000
const POLL_MS = 300

export interface Claim extends AsyncDisposable {
  /** Aborted when the claim was lost: the database was away for longer than it lasts. */
  readonly signal: AbortSignal
  /** Lets the next one in. Idempotent; disposal does it too. */
  release(): Promise<void>
}

/**
 * Claims the work on a video, waiting until nobody else holds it.
 *
 * @returns null when the signal was aborted first.
 */
export async function claimWork(ctx: Ctx, videoId: string, signal: AbortSignal): Promise<Claim | null> {
  const owner = ctx.newId()
  while (!(await tryClaim(ctx, videoId, owner))) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) return null
  }
  const lost = new AbortController()
  let renewedAtMs = ctx.clock.monotonicMs()
  const timer = setInterval(() => {
    tryClaim(ctx, videoId, owner).then(
      (isHeld) => (isHeld ? (renewedAtMs = ctx.clock.monotonicMs()) : lost.abort()),
      () => ctx.clock.monotonicMs() - renewedAtMs > CLAIM_MS && lost.abort(),
    )
  }, RENEW_MS)
  let isReleased = false
  async function release(): Promise<void> {
    if (isReleased) return
    isReleased = true
    clearInterval(timer)
    // When this fails the claim lapses by itself.
    await queries.release(ctx.db, videoId, owner).catch(() => {})
  }
  return { signal: lost.signal, release, [Symbol.asyncDispose]: release }
}

function tryClaim(ctx: Ctx, videoId: string, owner: string): Promise<boolean> {
  const at = ctx.clock.now()
  return queries.claim(ctx.db, videoId, { owner, at, until: new Date(at.getTime() + CLAIM_MS) })
}
