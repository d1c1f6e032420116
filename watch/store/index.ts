/** The watch's one SQLite file: one writer in a thread of its own, readers here. */
export {
  forgetKeptStatement,
  keepFirstStatement,
  keepOnce,
  keepStatement,
  readKept,
  useUpKeptStatement,
} from './kept.ts'
export { isDiskRefusal, isRace, retryRaces } from './races.ts'
export { openStore } from './store.ts'
export type { SqlValue, Statement, Store } from './types.ts'
export { StoreUnusableError } from './writer-thread.ts'
