/**
 * Knows when live updates may have been missed: a stream that was lost and is back, or a server that says so. What is
 * on the screen is read anew then, once the stream is open again, so that nothing falls between the two.
 */

/** A stream that comes back tells of its gap twice, by opening and by its first event. */
const SETTLE_MS = 300

export interface GapWatch {
  /** The stream is open. */
  opened(): void
  /** The stream was lost: what happens until it is open again is missed. */
  lost(): void
  /** The server has said that something was missed. */
  told(): void
}

/** Calls `onGap` once for each gap, after it is over. */
export function createGapWatch(onGap: () => void): GapWatch {
  let hasMissed = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function plan(): void {
    clearTimeout(timer)
    timer = setTimeout(onGap, SETTLE_MS)
  }
  return {
    opened() {
      if (hasMissed) plan()
      hasMissed = false
    },
    lost() {
      // A server that is going down need not be asked: it is asked when there is a stream again.
      clearTimeout(timer)
      hasMissed = true
    },
    told: plan,
  }
}
