/** How loaded this process is: the event loop, its memory, and what it turns away. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Signals } from '../../../engines/steward/index.ts'
import { CLASSES } from '../priority-classes.ts'
import { readMemoryShare } from './memory.ts'

/** What was let in and turned away so far, by class; only ever grows. */
export interface GateCounts {
  readonly admitted: readonly number[]
  readonly refused: readonly number[]
}

type Load = Pick<Signals, 'eventLoopP99Ms' | 'memoryShare' | 'busyShare' | 'refusedClass' | 'capacityPerS'>

export interface Sensors extends Disposable {
  watchGate(read: () => GateCounts): void
  /** What was seen since the look before. */
  read(nowMs: number): Load
}

const RESOLUTION_MS = 10
/** Looks over which a figure holds: four a second. */
const LOOKS = 4
/** More of a class than this is being refused: not one unlucky request. */
const REFUSED_SHARE = 0.02
const REFUSED_MIN = 5

/** Begins to measure; disposal ends it. */
export function openSensors(): Sensors {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const delays: number[] = []
  const shares: number[] = []
  const busy: number[] = []
  let loopBefore = performance.eventLoopUtilization()
  let readGate: (() => GateCounts) | null = null
  let before: { counts: GateCounts; atMs: number } | null = null

  return {
    watchGate(read) {
      readGate = read
    },
    read(nowMs) {
      // The histogram counts whole intervals: what is beyond one is lateness.
      keep(delays, Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS))
      delay.reset()
      keep(shares, readMemoryShare())
      const loop = performance.eventLoopUtilization()
      keep(busy, performance.eventLoopUtilization(loop, loopBefore).utilization)
      loopBefore = loop
      const gate = readGate && judge(readGate(), nowMs)
      return {
        eventLoopP99Ms: Number.isFinite(delays.at(-1)!) ? delays.at(-1)! : null,
        // Garbage that is about to be collected is no need: the least of the last second counts.
        memoryShare: Math.min(...shares),
        // So does the calmest of four looks.
        busyShare: busy.length < LOOKS ? null : Math.min(...busy),
        refusedClass: gate?.refusedClass ?? null,
        capacityPerS: gate?.capacityPerS ?? null,
      }
    },
    [Symbol.dispose]: () => void delay.disable(),
  }

  function judge(counts: GateCounts, nowMs: number): Pick<Load, 'refusedClass' | 'capacityPerS'> {
    const then = before
    before = { counts, atMs: nowMs }
    if (!then) return { refusedClass: null, capacityPerS: null }
    const admitted = CLASSES.map((each) => counts.admitted[each]! - then.counts.admitted[each]!)
    const refused = CLASSES.map((each) => counts.refused[each]! - then.counts.refused[each]!)
    const refusedClass =
      CLASSES.find(
        (each) =>
          refused[each]! >= REFUSED_MIN &&
          refused[each]! > REFUSED_SHARE * (admitted[each]! + refused[each]!),
      ) ?? null
    const seconds = (nowMs - then.atMs) / 1_000
    // Only a door that turns some away shows what it can let in.
    const isFull = refused.some((count) => count >= REFUSED_MIN)
    const served = admitted.reduce((sum, count) => sum + count, 0)
    return { refusedClass, capacityPerS: isFull && seconds > 0 ? served / seconds : null }
  }
}

function keep(values: number[], value: number): void {
  values.push(value)
  if (values.length > LOOKS) values.shift()
}
