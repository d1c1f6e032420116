/** The watch's one SQLite file: one writer in a thread of its own, readers here. */
export { openStore, StoreUnusableError } from './store.ts'
export type { SqlValue, Statement, Store } from './types.ts'
