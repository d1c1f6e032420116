/**
 * The first step of a For You page: which videos come next, out of a ranking snapshot.
 *
 * A feed goes through snapshot after snapshot of the ranked videos, each without what the ones before it had; when these
 * are used up, it walks through the rest of the catalogue from the newest to the oldest. So it ends only with the catalogue.
 */
import {
  createPipeline,
  createRandom,
  PART_COUNT,
  rankForYou,
  Ranking,
  REASON_CODES,
  type Pipeline,
} from '../../../engines/for-you/index.ts'
import { shownFilter, type ForYouCursor } from './cursors.ts'
import type { Feed } from './feed.ts'
import { listArchive, type Listed } from './feed.queries.ts'
import type { ArchivePosition, Snapshot } from './snapshots.ts'

/** A place in a snapshot. */
export interface Place {
  readonly snapshot: Snapshot
  readonly position: number
}

/** Who asks for a page. */
export interface Asker {
  /** Null: signed out. */
  readonly viewerId: string | null
  /** Called before a ranking is made that only this one has asked for; may refuse by throwing. */
  readonly admitRanking: () => void
}

/** Where a feed starts, or goes on. */
export async function findPlace(feed: Feed, asker: Asker, cursor: ForYouCursor | null): Promise<Place> {
  const { viewerId } = asker
  if (cursor === null) return { snapshot: await beginSnapshot(feed, viewerId), position: 0 }
  const snapshot = cursor.snapshotId === null ? null : await feed.snapshots.find(cursor.snapshotId)
  if (snapshot && snapshot.accountId === viewerId) return { snapshot, position: cursor.position }
  // Gone, or somebody else's (they signed in meanwhile): a new one, without what the cursor remembers.
  asker.admitRanking()
  await feed.candidates.ready()
  const shown = [...feed.candidates.pool.ids()].filter(shownFilter(cursor.shown))
  return { snapshot: await makeSnapshot(feed, viewerId, { shown }), position: 0 }
}

/** The beginning of what comes after a snapshot that is used up; null at the true end. */
export async function findNextPlace(feed: Feed, asker: Asker, used: Snapshot): Promise<Place | null> {
  if (used.isLast) return null
  const { viewerId, admitRanking } = asker
  const make = () => {
    const shown = used.archive ? used.shownBefore : [...used.shownBefore, ...used.ranking.videoIds]
    return makeSnapshot(feed, viewerId, { shown, archive: used.archive })
  }
  const snapshot = await (viewerId === null
    ? feed.shared.share({ after: used, admit: admitRanking, make })
    : make())
  return snapshot.ranking.length === 0 ? null : { snapshot, position: 0 }
}

/** Nothing has been shown yet. One of these every few seconds is nobody's fault, so it asks no one's leave. */
function beginSnapshot(feed: Feed, viewerId: string | null): Promise<Snapshot> {
  const make = () => makeSnapshot(feed, viewerId, { shown: [] })
  return viewerId === null ? feed.shared.share({ after: null, admit: () => {}, make }) : make()
}

interface SnapshotInput {
  readonly shown: readonly string[]
  readonly archive?: ArchivePosition | null
}

async function makeSnapshot(feed: Feed, viewerId: string | null, input: SnapshotInput): Promise<Snapshot> {
  const ranked = input.archive ? null : await rankPool(feed, viewerId, input.shown)
  const base = {
    id: feed.ctx.newId(),
    accountId: viewerId,
    rankedAtMs: feed.ctx.clock.now().getTime(),
    shownBefore: input.shown,
  }
  const snapshot: Snapshot = ranked
    ? { ...base, ...ranked, archive: null }
    : { ...base, ...(await takeFromArchive(feed, input)) }
  feed.snapshots.keep(snapshot)
  return snapshot
}

/** The next of the ranked videos; null when there are none and the archive has more. */
async function rankPool(
  feed: Feed,
  viewerId: string | null,
  shown: readonly string[],
): Promise<{ ranking: Ranking; isLast: boolean } | null> {
  await feed.candidates.ready()
  const viewer = await feed.viewers.tasteOf(viewerId)
  const { pool, isWhole } = feed.candidates
  const limit = shown.length === 0 ? feed.sizes.firstSnapshot : feed.sizes.nextSnapshot
  const ranking = rankForYou(pool, viewer, {
    nowMs: feed.ctx.clock.now().getTime(),
    random: createRandom(feed.ctx.randomBytes(4).readInt32LE()),
    limit,
    pipeline: await pipelineOf(feed),
    // What was watched before would come last in the pool, but first in the archive come things never watched.
    exclude: shown,
    isSeenExcluded: !isWhole,
  })
  if (isWhole) return { ranking, isLast: ranking.length < limit }
  return ranking.length > 0 ? { ranking, isLast: false } : null
}

/** The ranking model in force, and what flags take out of it. */
async function pipelineOf({ ctx }: Feed): Promise<Pipeline> {
  return createPipeline({
    points: ctx.documents.get('ranking')?.points ?? null,
    hasNewVoices: await ctx.flags.isOn('new-voices'),
  })
}

async function takeFromArchive(
  feed: Feed,
  input: SnapshotInput,
): Promise<{ ranking: Ranking; archive: ArchivePosition | null; isLast: boolean }> {
  const listed = await listArchive(feed.ctx.db, {
    after: input.archive ?? null,
    exclude: input.shown,
    limit: feed.sizes.nextSnapshot,
  })
  const last = listed.at(-1)
  return {
    ranking: archiveRanking(listed),
    archive: last ? { publishedAt: last.publishedAt, videoId: last.id } : (input.archive ?? null),
    isLast: listed.length < feed.sizes.nextSnapshot,
  }
}

function archiveRanking(listed: readonly Listed[]): Ranking {
  return new Ranking({
    videoIds: listed.map(({ id }) => id),
    reasons: new Uint8Array(listed.length).fill(REASON_CODES.indexOf('archive')),
    parts: new Int16Array(listed.length * PART_COUNT),
    tagNames: [],
    tagAt: new Uint16Array(0),
  })
}
