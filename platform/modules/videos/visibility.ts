/** Who may see which video. Every verb that touches a video asks here first. */
import type { Db, Tx } from '../../infra/db/index.ts'
import { selectVisible } from './videos.queries.ts'

/**
 * Whether the viewer (null: signed out) may see the video: its owner until it is deleted; others once it is published,
 * by its visibility, unless either of the two blocks the other. Missing and hidden look the same.
 */
export async function isVisibleTo(
  db: Db | Tx,
  { viewerId, videoId }: { readonly viewerId: string | null; readonly videoId: string },
): Promise<boolean> {
  return (await selectVisible(db, viewerId, [videoId])).length === 1
}

/** Those of the videos that the viewer may see, in the order given. One query. */
export async function visibleVideoIds(
  db: Db | Tx,
  viewerId: string | null,
  videoIds: readonly string[],
): Promise<string[]> {
  if (videoIds.length === 0) return []
  const visible = new Set(await selectVisible(db, viewerId, videoIds))
  return videoIds.filter((id) => visible.has(id))
}
