/** Search: videos, people and tags by plain text. */
export { searchRoutes } from './search.routes.ts'
export { listTagVideos, search, SEARCH_MAX_WORDS } from './search.service.ts'
export type { SearchInput } from './search.service.ts'
