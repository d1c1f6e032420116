/** PostgreSQL: connections, transactions, migrations, messages. */
export {
  inCamelCase,
  inTransaction,
  isDatabaseUnavailable,
  isUniqueViolation,
  isUnstorableText,
  openDatabase,
} from './client.ts'
export type { Database, Db, Tx } from './client.ts'
export { openGuard, openIdleGuard, whenUp } from './guard.ts'
export type { Absence, DatabaseGuard } from './guard.ts'
export { DatabaseAwayError } from './guarded-client.ts'
export { notify, notifyAll, openListener } from './listen.ts'
export type { Listener } from './listen.ts'
export { listMigrations, migrateTo, migrateToLatest } from './migrate.ts'
export { behindOf, isCurrent, openReplica } from './replica.ts'
export { readStamp } from './stamp.ts'
export type { TxStamp } from './stamp.ts'
export type { Tables } from './tables.ts'
