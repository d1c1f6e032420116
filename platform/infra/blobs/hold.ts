/**
 * Deletions can be held for a while: a backup copies the files that its snapshot of the database names, and copies them
 * for longer than it holds the snapshot.
 *
 * Whoever deletes a file has first made the database say that nobody needs it. So it is enough to look for a hold right
 * before deleting: what passes was given up before the hold began, and no later snapshot names it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../db/index.ts'
import type { Blobs } from './blobs.ts'
import * as queries from './hold.queries.ts'

/** A holder that dies holds for this long. */
const LEASE_S = 120
const RENEW_INTERVAL_MS = 20_000
const BATCH = 200

/** Someone else holds. */
export class AlreadyHeldError extends Error {}

/** The same blobs, of which none is deleted during a hold: the deletion is remembered, and made up for afterwards. */
export function withHeldDeletions(blobs: Blobs, db: Db): Blobs {
  return {
    ...blobs,
    async delete(key) {
      if (!(await queries.postponeDeletion(db, key, false))) await blobs.delete(key)
    },
    async deletePrefix(prefix) {
      if (!(await queries.postponeDeletion(db, prefix, true))) await blobs.deletePrefix(prefix)
    },
  }
}

export interface Hold extends AsyncDisposable {
  /** Aborted when the hold could not be renewed: from then on files may be deleted. */
  readonly signal: AbortSignal
}

/**
 * Holds deletions until disposal.
 *
 * @throws {AlreadyHeldError}
 */
export async function holdDeletions(db: Db, holderId: string): Promise<Hold> {
  if (!(await queries.takeHold(db, holderId, LEASE_S)))
    throw new AlreadyHeldError('Deletions are held already: another backup is being made.')
  const lost = new AbortController()
  const ending = new AbortController()
  const renewing = (async () => {
    for (let renewedMs = performance.now(); !ending.signal.aborted;) {
      await sleep(RENEW_INTERVAL_MS, undefined, { signal: ending.signal }).catch(() => {})
      if (ending.signal.aborted) return
      try {
        if (!(await queries.renewHold(db, holderId, LEASE_S))) throw new Error('it has lapsed')
        renewedMs = performance.now()
      } catch (cause) {
        // The database may be away for a moment; the lease runs on.
        if (performance.now() - renewedMs < (LEASE_S * 1_000) / 2 && !/lapsed/.test(String(cause))) continue
        return lost.abort(new Error('The hold on deletions could not be kept up.', { cause }))
      }
    }
  })()
  return {
    signal: lost.signal,
    async [Symbol.asyncDispose]() {
      ending.abort()
      await renewing
      // It ends by itself if the database is away.
      await queries.endHold(db, holderId).catch(() => {})
    },
  }
}

/**
 * Deletes what was to be deleted during a hold, once there is none. Idempotent.
 *
 * @param blobs the wrapped ones: a hold that begins meanwhile postpones the rest again.
 * @returns how many deletions were made up for.
 */
export async function makeUpForDeletions(db: Db, blobs: Blobs): Promise<number> {
  let count = 0
  for (;;) {
    if (await queries.isHeld(db)) return count
    const postponed = await queries.listPostponed(db, BATCH)
    for (const deletion of postponed) {
      await deleteOlder(blobs, deletion)
      await queries.forgetPostponed(db, deletion)
      count++
    }
    if (postponed.length < BATCH) return count
  }
}

/** What was stored since under the same key was not meant. */
async function deleteOlder(
  blobs: Blobs,
  { key, isPrefix, askedAt }: queries.PostponedDeletion,
): Promise<void> {
  if (!isPrefix) {
    const stored = await blobs.stat(key)
    if (stored && stored.modifiedAt <= askedAt) await blobs.delete(key)
    return
  }
  for await (const stored of blobs.list(key)) if (stored.modifiedAt <= askedAt) await blobs.delete(stored.key)
}
