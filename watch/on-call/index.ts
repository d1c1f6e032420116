/** Being on call: who is paged when, until somebody answers, and what they do first. */
export { answerRoutes } from './answer.routes.ts'
export {
  describePage,
  pageOfIncident,
  renderPage,
  renderRoles,
  renderRunbooks,
  rolesOf,
} from './incident-block.ts'
export type { PageView } from './incident-block.ts'
export { openPageLinks, type PageLinks } from './links.ts'
export { registerOnCall, type OnCallParts } from './on-call.routes.ts'
export type { HeldRole } from './page-records.ts'
export { createPageBook, type PageBook } from './page-book.ts'
export { listUnanswered, startPaging } from './paging.ts'
export { gapsNow } from './targets.ts'
export { runbooksFor, type Runbook } from './runbooks.ts'
