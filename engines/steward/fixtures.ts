/** Signals of a healthy process, and a virtual clock that looks four times a second. */
import type { Signals, Steward } from './steward.ts'

export const LOOK_MS = 250

export const HEALTHY: Signals = {
  eventLoopP99Ms: 2,
  memoryShare: 0.3,
  busyShare: 0.2,
  refusedClass: null,
  capacityPerS: 1_000,
  dependencies: { database: true, ingest: true, worker: true, disk: true, blobs: true, journal: true },
  steps: {},
}

/** Plays signals for so long, and tells each state. */
export class Play {
  nowMs = 0
  readonly #steward: Steward

  constructor(steward: Steward) {
    this.#steward = steward
  }

  /** Looks until `forMs` have passed, or until `isEnough`; answers how long it took. */
  run(
    signals: Partial<Signals> | ((nowMs: number) => Partial<Signals>),
    forMs: number,
    isEnough: () => boolean = () => false,
  ): number {
    const startMs = this.nowMs
    while (this.nowMs - startMs < forMs && !isEnough()) {
      this.nowMs += LOOK_MS
      const given = typeof signals === 'function' ? signals(this.nowMs) : signals
      this.#steward.observe({ ...HEALTHY, ...given }, this.nowMs)
    }
    return this.nowMs - startMs
  }
}
