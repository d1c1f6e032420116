/** Reactions: likes, saves, shares, and what was watched. */
import './reactions.schema.ts'
export { reactionActs } from './reactions.acts.ts'
export { startReactionJobs } from './reactions.jobs.ts'
export { REPORTS_PER_MINUTE, reactionRoutes } from './reactions.routes.ts'
export {
  likeVideo,
  listReactedVideos,
  saveVideo,
  shareVideo,
  unlikeVideo,
  unsaveVideo,
} from './reactions.service.ts'
export type { ReactionInput } from './reactions.service.ts'
export { keyOf as viewerKeyOf } from './viewer-keys.ts'
export type { ViewerIdentity } from './viewer-keys.ts'
export { recordViews } from './views.ts'
