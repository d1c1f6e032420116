/** Catalogues for the tests of the feed: accounts and published videos as rows, with no file behind them. */
import type { FeedPage } from '../../../contract/videos.ts'
import type { World } from '../../../tests/support/world.ts'
import type { Viewer } from '../../app/http.ts'
import { openFeed, type Feed, type FeedSizes } from './feed.ts'
import { showFollowing, showForYou } from './feed.service.ts'

export const SMALL_SIZES: FeedSizes = {
  newest: 12,
  hottest: 6,
  pool: 24,
  firstSnapshot: 5,
  nextSnapshot: 7,
  relations: 2,
}

/** Adds accounts and returns their ids. */
export async function addAccounts(world: World, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => world.ctx.newId())
  const at = world.ctx.clock.now()
  await world.ctx.db
    .insertInto('account')
    .values(
      ids.map((id) => ({
        id,
        name: id,
        email: `${id}@noreply.invalid`,
        email_verified: false,
        image: null,
        username: `u${id.replaceAll('-', '').slice(-20)}`,
        display_username: `U${id.replaceAll('-', '').slice(-20)}`,
        role: 'member' as const,
        bio: '',
        created_at: at,
        updated_at: at,
      })),
    )
    .execute()
  return ids
}

export interface VideoSeed {
  readonly authorId: string
  readonly visibility?: 'public' | 'followers' | 'private'
  /** @default a moment ago */
  readonly publishedAt?: Date | null
  readonly isDeleted?: boolean
  readonly tags?: readonly string[]
  readonly caption?: string
}

/** Adds videos and returns their ids. */
export async function addVideos(world: World, seeds: readonly VideoSeed[]): Promise<string[]> {
  if (seeds.length === 0) return []
  const { db, clock } = world.ctx
  const at = clock.now()
  const rows = seeds.map((seed) => ({ ...seed, id: world.ctx.newId() }))
  await db
    .insertInto('video')
    .values(
      rows.map((row) => ({
        id: row.id,
        account_id: row.authorId,
        caption: row.caption ?? (row.tags ?? []).map((tag) => `#${tag}`).join(' '),
        visibility: row.visibility ?? 'public',
        published_at: row.publishedAt === undefined ? at : row.publishedAt,
        duration_ms: 10_000,
        width: 1080,
        height: 1920,
        generation: 1,
        playable_height: 1080,
        is_complete: true,
        created_at: at,
        updated_at: at,
        deleted_at: row.isDeleted ? at : null,
      })),
    )
    .execute()
  const tags = rows.flatMap(({ id, tags }) => (tags ?? []).map((tag) => ({ video_id: id, tag })))
  if (tags.length > 0) await db.insertInto('video_tag').values(tags).execute()
  return rows.map(({ id }) => id)
}

export async function follow(world: World, followerId: string, followeeId: string): Promise<void> {
  await world.ctx.db
    .insertInto('follow')
    .values({ follower_id: followerId, followee_id: followeeId, created_at: world.ctx.clock.now() })
    .execute()
}

export function openSmallFeed(world: World, sizes: Partial<FeedSizes> = {}): Feed {
  return openFeed(world.ctx, { ...SMALL_SIZES, ...sizes })
}

export const viewerOf = (id: string): Viewer => ({ id, handle: 'someone', role: 'member', sessionId: id })

export interface PageRequest {
  readonly viewerId?: string | null
  readonly cursor?: string
  readonly limit?: number
}

export async function readForYou(feed: Feed, request: PageRequest = {}): Promise<FeedPage> {
  const { viewerId = null, cursor, limit = 20 } = request
  const viewer = viewerId === null ? null : viewerOf(viewerId)
  return JSON.parse((await showForYou(feed, { viewer, cursor, limit })).toString())
}

export async function readFollowing(
  feed: Feed,
  request: PageRequest & { viewerId: string },
): Promise<FeedPage> {
  const { viewerId, cursor, limit = 20 } = request
  return JSON.parse((await showFollowing(feed, { viewer: viewerOf(viewerId), cursor, limit })).toString())
}

/** Reads page after page to the end; fails a test that would never get there. */
export async function readToEnd(
  read: (cursor: string | undefined) => Promise<FeedPage>,
  maxPages = 500,
): Promise<FeedPage[]> {
  const pages: FeedPage[] = []
  let cursor: string | undefined
  do {
    if (pages.length === maxPages) throw new Error(`no end after ${maxPages} pages`)
    const page = await read(cursor)
    pages.push(page)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return pages
}

export const idsOf = (pages: readonly FeedPage[]): string[] =>
  pages.flatMap(({ items }) => items.map(({ id }) => id))
