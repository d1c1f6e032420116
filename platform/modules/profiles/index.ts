/** Profiles: what accounts, follows and videos say of one person together. */
export { profileRoutes } from './profiles.routes.ts'
export { listProfileVideos, loadProfile } from './profiles.service.ts'
