/** All SQL of profiles. */
import { sql } from 'kysely'
import type { Visibility } from '../../../contract/videos.ts'
import type { Db } from '../../infra/db/index.ts'

/**
 * How many published videos of these visibilities the account has, and how often they were liked by the last count;
 * null: one of them was never counted.
 */
export async function countVideos(
  db: Db,
  accountId: string,
  visibilities: readonly Visibility[],
): Promise<{ videos: number; likes: number | null }> {
  const { rows } = await sql<{ videos: number; likes: number | null }>`
    select count(*)::int as videos,
      case when count(c.video_id) = count(*) then coalesce(sum(c.likes), 0)::bigint end as likes
    from video v left join video_counter c on c.video_id = v.id
    where v.account_id = ${accountId} and v.published_at is not null and v.deleted_at is null
      and v.visibility = any(${visibilities}::text[])`.execute(db)
  return rows[0]!
}
