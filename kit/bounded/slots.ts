/** Slots for work that is costly: so many pieces at once, so many more that wait, and a refusal beyond that. */

export interface SlotsOptions {
  /** Pieces of work at once. */
  readonly running: number
  /** Further pieces that may wait for their turn, first come, first served. */
  readonly waiting: number
}

export interface Slots {
  /** Does the work in a slot, now or in its turn. @throws {NoSlotError} when too many wait already. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** All slots and all places to wait are taken. */
export class NoSlotError extends Error {}

/** Makes slots that are all free. */
export function createSlots(options: SlotsOptions): Slots {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async run(work) {
      if (running < options.running) running++
      else if (waiting.length < options.waiting) await new Promise<void>((resolve) => waiting.push(resolve))
      else throw new NoSlotError(`${running} run and ${waiting.length} wait already.`)
      try {
        return await work()
      } finally {
        // A slot goes from hand to hand: whoever waits takes it over.
        const next = waiting.shift()
        if (next) next()
        else running--
      }
    },
  }
}
