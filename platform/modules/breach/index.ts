/** After a breach: evidence that stays as it was, and notices to those who have to be told, with their deadlines. */
export { freezeEvidence, type FrozenEvidence } from './freeze-evidence.ts'
export { draftNotices, type BreachFacts } from './draft-notices.ts'
