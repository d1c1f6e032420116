/** What the standby shelf knows, asked before something is kept: it must not be promised what can't be. */
import type { Ctx } from '../context.ts'
import { NotFoundError } from '../errors.ts'

/**
 * @throws {NotFoundError} when the video is known to be deleted, or known to be hidden from the viewer by a block. Of what is
 * not known here replay finds out.
 */
export function refuseKnownHidden(
  ctx: Pick<Ctx, 'standby'>,
  { viewerId, videoId }: { readonly viewerId: string; readonly videoId: string },
): void {
  const card = ctx.standby.card(videoId)
  if (ctx.standby.goneKind(videoId) === 'deleted' || (card !== null && !ctx.standby.maySee(viewerId, card)))
    throw new NotFoundError('video', videoId)
}
