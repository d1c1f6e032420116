/** What every process has of the standby shelf. */
export * from './format.ts'
export type { StandbyCard, StandbyEntry } from './shelves.ts'
export { openStandby } from './standby.ts'
export type { Standby, StandbyFigures, StandbyKind, StandbyList } from './standby.ts'
