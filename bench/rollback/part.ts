/** What each part of `bench rollback` gives back. */
import type { BenchResult } from '../support.ts'

export type RollbackPart = Pick<BenchResult, 'rows' | 'figures' | 'fallsShort'>
