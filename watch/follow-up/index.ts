/** After an incident: what it cost people, and what is to be done so that it does not happen again. */
export { renderIncidentFollowUps } from './follow-up-pages.ts'
export { registerFollowUps } from './follow-up.routes.ts'
export { followUpsOf, isOverdue, openFollowUps, type FollowUp } from './follow-ups.ts'
export { describeImpact, type Impact } from './impact.ts'
export { openTrafficBook, readImpact } from './traffic-book.ts'
