/** An append-only, checksummed file journal: what it acknowledged is there, whatever dies. */
export { JournalUnwritableError } from './errors.ts'
export type { Journal, JournalOptions, JournalRecord } from './journal.ts'
export { hasRecordsElsewhere, openOwnJournal, takeAbandonedJournals } from './journals.ts'
export type { RootOptions } from './journals.ts'
export type { JournalTrouble } from './segment-files.ts'
