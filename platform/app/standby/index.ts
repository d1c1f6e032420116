/** What every process has of the standby shelf. */
export * from './format.ts'
export { versionOf } from './files.ts'
export type { StandbyEntry } from './filled-lists.ts'
export type { StandbyCard } from './shelves.ts'
export { openStandby } from './standby.ts'
export type { Standby, StandbyFigures, StandbyKind, StandbyList } from './standby.ts'
