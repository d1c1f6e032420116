/** The journal: what people do while the database is away is written down, acknowledged, and done when it is back. */
export { doOrKeep } from './acts.ts'
export type { Act, AnyAct } from './acts.ts'
export { openEntryJournal } from './entry-journal.ts'
export type { EntryJournal } from './entry-journal.ts'
export { refuseKnownHidden } from './known.ts'
export { startJournalJobs } from './prune.ts'
export { replayAll, startReplay } from './replay.ts'
