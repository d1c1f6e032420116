/** Videos: what they are, who may see them, and when they are published. */
import './videos.schema.ts'
export {
  clearFailure,
  discardGenerations,
  recordComplete,
  recordFailure,
  recordGeneration,
  recordPictures,
  recordProgress,
  recordWait,
  restoreGeneration,
} from './artefacts.ts'
export type { GenerationInput, PicturesInput } from './artefacts.ts'
export { cleanCaption, normalizeTag, parseMentions } from './captions.ts'
export {
  isCardVisible,
  loadCardBases,
  loadCounts,
  loadVideoCards,
  loadViewerStates,
  presentCard,
} from './cards.ts'
export type { CardBase, ViewerState } from './cards.ts'
export {
  blobPrefixOf,
  mediaUrlsOf,
  originalKeyOf,
  originalLeavesKeyOf,
  posterKeyOf,
  previewKeyOf,
  segmentKeyOf,
  signMediaToken,
  verifyMediaToken,
} from './media-urls.ts'
export {
  captionMentionsQueue,
  coverQueue,
  missingFileQueue,
  startVideoJobs,
  videoSettledQueue,
} from './videos.jobs.ts'
export { findVideo, listAllGenerations, listGenerations, listPlayable } from './videos.queries.ts'
export { videoRoutes } from './videos.routes.ts'
export {
  createVideo,
  deleteVideo,
  discardVideo,
  editVideo,
  listAccountVideos,
  listOwnVideos,
  publishVideo,
} from './videos.service.ts'
export type { NewVideoInput } from './videos.service.ts'
export { isVisibleTo, visibleVideoIds } from './visibility.ts'
