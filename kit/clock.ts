/** Time as a value that is passed in, so that what depends on it can be tested. */
export interface Clock {
  /** The wall clock. */
  now(): Date
  /** Milliseconds that only ever grow; for durations. */
  monotonicMs(): number
}

export const systemClock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() }

/** One whose durations jump as the wall clock does: to show what would come of it. */
export const wallClock: Clock = { now: () => new Date(), monotonicMs: () => Date.now() }

/** A clock that moves only when it is told to. */
export function createFakeClock(
  start = new Date('2026-01-01T00:00:00Z'),
): Clock & { advance(ms: number): void } {
  let ms = start.getTime()
  return {
    now: () => new Date(ms),
    monotonicMs: () => ms,
    advance(byMs) {
      ms += byMs
    },
  }
}
