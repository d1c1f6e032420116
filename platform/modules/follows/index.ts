/** Follows and blocks: who wants to hear of whom, and who wants nothing to do with whom. */
import './follows.schema.ts'
export { followActs } from './follows.acts.ts'
export { followRoutes } from './follows.routes.ts'
export {
  blockAccount,
  countFollows,
  findKnownAccount,
  followAccount,
  listBlocks,
  listFollows,
  loadAccountListItems,
  loadHiddenAccountIds,
  unblockAccount,
  unfollowAccount,
} from './follows.service.ts'
export type { TowardsInput } from './follows.service.ts'
