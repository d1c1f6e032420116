/** SQL behind video cards: one query for what is the same for all viewers, one for the viewer's own state. */
import { sql } from 'kysely'
import type pg from 'pg'
import type { Visibility } from '../../../contract/videos.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './videos.schema.ts'

export interface CardRow {
  readonly id: string
  readonly accountId: string
  readonly handle: string
  readonly name: string
  readonly image: string | null
  readonly caption: string
  readonly tags: string[]
  readonly visibility: Visibility
  readonly publishedAt: Date | null
  readonly durationMs: number
  readonly width: number
  readonly height: number
  readonly placeholder: string | null
  readonly posterVersion: number | null
  readonly previewVersion: number | null
  readonly generation: number
  readonly playableHeight: number
  readonly isComplete: boolean
  readonly views: number | null
  readonly likes: number | null
  readonly comments: number | null
  readonly saves: number | null
  readonly shares: number | null
  readonly countsAsOf: Date | null
}

/** Those that exist, are not deleted and can be played; in no order. */
export async function selectCards(db: Db | Tx, ids: readonly string[]): Promise<CardRow[]> {
  const { rows } = await sql<CardRow>`
    select v.id, v.account_id as "accountId", a.display_username as handle, a.name, a.image, v.caption,
      array(select t.tag from video_tag t where t.video_id = v.id) as tags,
      v.visibility, v.published_at as "publishedAt", v.duration_ms as "durationMs", v.width, v.height, v.placeholder,
      v.poster_version as "posterVersion", v.preview_version as "previewVersion", v.generation,
      v.playable_height as "playableHeight", v.is_complete as "isComplete",
      c.views, c.likes, c.comments, c.saves, c.shares, c.as_of as "countsAsOf"
    from video v
    join account a on a.id = v.account_id
    left join video_counter c on c.video_id = v.id
    where v.id = any(${ids}::uuid[]) and v.deleted_at is null and v.generation is not null`.execute(db)
  return rows
}

export type CountsRow = Pick<
  CardRow,
  'id' | 'views' | 'likes' | 'comments' | 'saves' | 'shares' | 'countsAsOf'
>

/** Those that were counted at least once; in no order. */
export async function selectCounts(db: Db | Tx, ids: readonly string[]): Promise<CountsRow[]> {
  const { rows } = await sql<CountsRow>`
    select c.video_id as id, c.views, c.likes, c.comments, c.saves, c.shares, c.as_of as "countsAsOf"
    from video_counter c where c.video_id = any(${ids}::uuid[])`.execute(db)
  return rows
}

export interface ViewerStateRow {
  readonly videoId: string
  readonly isLiked: boolean
  readonly isSaved: boolean
  readonly isFollowingAuthor: boolean
  readonly isBlocked: boolean
}

const VIEWER_STATES = {
  name: 'video-viewer-states',
  text: `
    select v.id as "videoId",
      exists (select from video_like l where l.account_id = $1 and l.video_id = v.id) as "isLiked",
      exists (select from video_save s where s.account_id = $1 and s.video_id = v.id) as "isSaved",
      exists (select from follow f where f.follower_id = $1 and f.followee_id = v.author) as "isFollowingAuthor",
      exists (select from block b where (b.blocker_id = $1 and b.blocked_id = v.author)
        or (b.blocker_id = v.author and b.blocked_id = $1)) as "isBlocked"
    from unnest($2::uuid[], $3::uuid[]) as v (id, author)`,
}

/** A prepared statement: this is the one query that each page of a feed asks for each viewer. */
export async function selectViewerStates(
  pool: pg.Pool,
  viewerId: string,
  videos: readonly { readonly id: string; readonly authorId: string }[],
): Promise<ViewerStateRow[]> {
  const { rows } = await pool.query<ViewerStateRow>({
    ...VIEWER_STATES,
    values: [viewerId, videos.map((video) => video.id), videos.map((video) => video.authorId)],
  })
  return rows
}
