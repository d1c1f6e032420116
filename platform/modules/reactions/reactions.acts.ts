/** What of reactions is kept while the database is away: likes, saves, and what was watched. */
import { z } from 'zod'
import { Id } from '../../../contract/common.ts'
import type { LikeState, SaveState } from '../../../contract/social.ts'
import { ViewReports } from '../../../contract/videos.ts'
import { refuseKnownHidden, type Act, type AnyAct } from '../../app/journal/index.ts'
import type { Ctx } from '../../app/context.ts'
import * as service from './reactions.service.ts'
import { keyOf, type ViewerIdentity } from './viewer-keys.ts'
import { recordViews, type ViewReportList } from './views.ts'

/** Views leave the rest of the journal to what people do on purpose… */
const VIEWS_ROOM_SHARE = 0.5
/** …and those of browsers that anybody can make as many of as they like, to those of accounts. */
const SIGNED_OUT_ROOM_SHARE = 0.25

interface ReactionState {
  readonly isKept?: boolean
}

function reaction<State extends ReactionState>(
  name: string,
  sets: string,
  verb: (ctx: Ctx, input: service.ReactionInput) => Promise<State>,
  state: State,
): Act<service.ReactionInput, State> {
  return {
    name,
    feature: 'reactions',
    shape: z.object({ viewerId: Id, videoId: Id }),
    actorOf: ({ viewerId }) => viewerId,
    setsOf: ({ viewerId, videoId }) => `${sets}:${viewerId}:${videoId}`,
    repeatOf: () => null,
    // Taken back is also what is hidden by now.
    check: name === sets ? refuseKnownHidden : undefined,
    do: verb,
    answerKept: () => ({ ...state, isKept: true }),
  }
}

export const likeAct = reaction<z.infer<typeof LikeState>>('like', 'like', service.likeVideo, {
  isLiked: true,
})
export const unlikeAct = reaction<z.infer<typeof LikeState>>('unlike', 'like', service.unlikeVideo, {
  isLiked: false,
})
export const saveAct = reaction<z.infer<typeof SaveState>>('save', 'save', service.saveVideo, {
  isSaved: true,
})
export const unsaveAct = reaction<z.infer<typeof SaveState>>('unsave', 'save', service.unsaveVideo, {
  isSaved: false,
})

export const viewsAct: Act<{ readonly viewer: ViewerIdentity; readonly reports: ViewReportList }, void> = {
  name: 'views',
  feature: 'telemetry',
  shape: z.object({
    viewer: z.union([
      z.object({ accountId: Id, browserId: z.null() }),
      z.object({ accountId: z.null(), browserId: z.string() }),
    ]),
    reports: ViewReports.shape.views,
  }),
  actorOf: ({ viewer }) => keyOf(viewer),
  setsOf: () => null,
  repeatOf: () => null,
  roomShareOf: ({ viewer }) => (viewer.accountId === null ? SIGNED_OUT_ROOM_SHARE : VIEWS_ROOM_SHARE),
  do: recordViews,
  answerKept: () => {},
}

export const reactionActs: readonly AnyAct[] = [likeAct, unlikeAct, saveAct, unsaveAct, viewsAct]
