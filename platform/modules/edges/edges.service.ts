/** Which videos' files edges have to ask for again. */
import type { MediaChanges } from '../../../contract/edge.ts'
import type { Ctx } from '../../app/context.ts'
import { selectLastChange, selectMediaChanges } from './edges.queries.ts'

const PAGE = 1_000
/** An event's id is of its time, and its transaction may end later: each question looks back this far. */
const OVERLAP_MS = 60_000

/**
 * The videos that changed or were deleted since. Some are told again, under the same id.
 *
 * @param after where the last answer ended; null: whoever asks has nothing yet, and notes these as known.
 */
export async function listMediaChanges(ctx: Pick<Ctx, 'db'>, after: string | null): Promise<MediaChanges> {
  const last = after ?? (await selectLastChange(ctx.db))
  if (last === null) return { items: [], next: null }
  const [late, since] = await Promise.all([
    selectMediaChanges(ctx.db, { afterId: earlierBy(last, OVERLAP_MS), upToId: last, limit: PAGE }),
    selectMediaChanges(ctx.db, { afterId: last, upToId: null, limit: PAGE }),
  ])
  return {
    items: [...late, ...since].flatMap(({ id, videoId }) => (videoId === null ? [] : [{ id, videoId }])),
    next: since.at(-1)?.id ?? last,
  }
}

/** The least UUIDv7 (RFC 9562, 5.7) of a moment before that of `id`. */
function earlierBy(id: string, ms: number): string {
  const atMs = Math.max(0, Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) - ms)
  const hex = atMs.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
