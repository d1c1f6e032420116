/** All SQL for edges. It only reads. */
import type { Db } from '../../infra/db/index.ts'

const KINDS = ['video-changed', 'video-deleted'] as const

export interface ChangesBetween {
  readonly afterId: string
  /** Null: up to the latest. */
  readonly upToId: string | null
  readonly limit: number
}

/** In the order of their ids. */
export function selectMediaChanges(
  db: Db,
  { afterId, upToId, limit }: ChangesBetween,
): Promise<{ id: string; videoId: string | null }[]> {
  return db
    .selectFrom('event')
    .select(['id', 'video_id as videoId'])
    .where('kind', 'in', KINDS)
    .where('id', '>', afterId)
    .$if(upToId !== null, (query) => query.where('id', '<=', upToId!))
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The id of the latest; null: there is none. */
export async function selectLastChange(db: Db): Promise<string | null> {
  const row = await db
    .selectFrom('event')
    .select('id')
    .where('kind', 'in', KINDS)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? null
}
