/** What a drill reports: promises kept, broken, or not put to the test. */
import { availableParallelism, loadavg } from 'node:os'
import { BrokenPromise } from '../rig/eventually.ts'
import type { DrillOptions } from './options.ts'
import type { DrillResult } from './record.ts'

export type Drill = (report: Report, options: DrillOptions) => Promise<void>

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export interface Report {
  readonly counts: Counts
  readonly promises: DrillResult['promises']
  /** Says whether a promise was kept, with its figures. */
  promise(text: string, isKept: boolean, figures?: string): void
  /** A promise that can't be put to the test here, and why. */
  skip(text: string, why: string): void
  /** The drill itself could not go on. */
  broke(what: string, error: unknown): void
}

export function createReport(print: (line: string) => void): Report {
  const promises: DrillResult['promises'] = []
  const count = (wanted: string) => promises.filter(({ state }) => state === wanted).length
  return {
    promises,
    get counts() {
      return { passed: count('kept'), failed: count('broken'), skipped: count('skipped') }
    },
    promise(text, isKept, figures) {
      promises.push({ text, state: isKept ? 'kept' : 'broken', detail: figures ?? null })
      print(`  ${isKept ? '✓' : '✗'} ${text}${figures ? ` (${figures})` : ''}`)
    },
    skip(text, why) {
      promises.push({ text, state: 'skipped', detail: why })
      print(`  – ${text}: skipped (${why})`)
    },
    broke(what, error) {
      if (error instanceof BrokenPromise) return this.promise(error.message, false)
      const words = error instanceof Error ? error.message : String(error)
      promises.push({ text: `${what} could not go on`, state: 'broken', detail: words })
      print(`  ✗ ${what} could not go on: ${error instanceof Error ? error.stack : words}`)
    },
  }
}

/** Seconds since, to be read. */
export const secondsSince = (startMs: number): string =>
  `${((performance.now() - startMs) / 1_000).toFixed(1)} s`

/** A share, to be read; null: there was nothing to take it of. */
export const percent = (share: number | null): string =>
  share === null ? 'nothing was asked' : `${(share * 100).toFixed(1)} %`

/** A promise of a time that any machine keeps if it is given so many times as long is none. */
const LONGER_MAX = 4

/** A promised time, longer in proportion when the machine has more to do than it has cores: others may share it. */
export function allowedMs(promisedMs: number): number {
  return promisedMs * Math.min(LONGER_MAX, Math.max(1, loadavg()[0]! / availableParallelism()))
}
