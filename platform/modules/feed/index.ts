/** The feed: For You and Following. */
import './feed.schema.ts'
export { feedRoutes } from './feed.routes.ts'
export { startFeedJobs } from './feed.jobs.ts'
export { Candidates } from './candidates.ts'
export { ChangeLog } from './changes.ts'
