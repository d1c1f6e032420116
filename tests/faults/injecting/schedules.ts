/** Random schedules of faults: the same seed gives the same one. */
import { createRandom } from '../../../engines/for-you/index.ts'

export const FAULTS = [
  'slow-database',
  'cut-database',
  'stuck-database',
  'dead-database',
  'dead-api',
  'dead-ingest',
  'dead-worker',
  'held-worker',
  'dead-everything',
  'burst',
] as const
export type Fault = (typeof FAULTS)[number]

export interface PlannedFault {
  readonly fault: Fault
  readonly atMs: number
  readonly forMs: number
}

export interface Schedule {
  readonly seed: number
  readonly faults: readonly PlannedFault[]
  /** When the author makes a video private that everyone could see. */
  readonly hidesAtMs: number
}

const FAULTS_MIN = 2
const FAULTS_MAX = 4
const SPAN_MS = 5_000
const FOR_MIN_MS = 500
const FOR_MAX_MS = 4_000
/** What can be served is measured first: a shorter burst is mostly that. */
const BURST_FOR_MIN_MS = 3_000

/** Makes the schedule of a seed, its faults in their order. */
export function planSchedule(seed: number): Schedule {
  const random = createRandom(seed * 7_919)
  const between = (from: number, to: number) => Math.round(from + random() * (to - from))
  const faults = Array.from({ length: between(FAULTS_MIN, FAULTS_MAX) }, () => {
    const fault = FAULTS[Math.floor(random() * FAULTS.length)]!
    const atMs = between(0, SPAN_MS)
    const forMs = between(FOR_MIN_MS, FOR_MAX_MS)
    return { fault, atMs, forMs: fault === 'burst' ? Math.max(forMs, BURST_FOR_MIN_MS) : forMs }
  })
  return {
    seed,
    faults: faults.toSorted((a, b) => a.atMs - b.atMs),
    hidesAtMs: between(0, SPAN_MS),
  }
}

/** To be read. */
export const describeSchedule = ({ faults }: Schedule): string =>
  faults
    .map(
      ({ fault, atMs, forMs }) =>
        `${fault} at ${(atMs / 1_000).toFixed(1)} s for ${(forMs / 1_000).toFixed(1)} s`,
    )
    .join(', ')
