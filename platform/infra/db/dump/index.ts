/** A consistent copy of the database's rows, and the way back. */
export { createRowsDigest, openDump } from './dump.ts'
export type { Dump, DumpedSequence, DumpedTable, ExtraTable, SkippedTable } from './dump.ts'
export { isEmptyDatabase, loadTables, LoadMismatchError, makeScratchDatabase } from './load.ts'
export type { LoadedTable } from './load.ts'
