/** Comments on videos, with one level of replies. */
import './comments.schema.ts'
export { commentActs } from './comments.acts.ts'
export { COMMENTS_PER_MINUTE, commentRoutes } from './comments.routes.ts'
export {
  addComment,
  authorOf,
  commentFor,
  deleteComment,
  likeComment,
  listComments,
  listReplies,
  loadSharedComment,
  unlikeComment,
} from './comments.service.ts'
export type { AddCommentInput, Reader, SharedComment } from './comments.service.ts'
