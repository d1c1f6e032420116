/** How fast bytes go, and how long the rest takes: a rate over the last seconds, unknown until there is one. */

const WINDOW_MS = 8000
const MIN_SPAN_MS = 800

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export interface TransferRate {
  /** Bytes per second over the last seconds; null while unknown. */
  readonly bytesPerS: number | null
  /** Seconds for the rest at that rate; null while unknown. */
  readonly timeLeftS: number | null
}

/** Keeps the recent samples of one transfer. */
export function createTransferMeter() {
  let samples: Sample[] = []
  return {
    /** Notes how many bytes have gone in all. */
    note(bytes: number, atMs: number): void {
      // After a lost connection the server may have fewer bytes than were sent: the count starts anew.
      if (samples.length > 0 && bytes < samples.at(-1)!.bytes) samples = []
      samples.push({ atMs, bytes })
      while (samples.length > 2 && samples[1]!.atMs <= atMs - WINDOW_MS) samples.shift()
    },
    /** Forgets: after a pause the old rate says nothing. */
    reset(): void {
      samples = []
    },
    read(totalBytes: number): TransferRate {
      const first = samples[0]
      const last = samples.at(-1)
      if (!first || !last || last.atMs - first.atMs < MIN_SPAN_MS) return { bytesPerS: null, timeLeftS: null }
      const bytesPerS = ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs)
      const timeLeftS = bytesPerS > 0 ? Math.max(0, totalBytes - last.bytes) / bytesPerS : null
      return { bytesPerS, timeLeftS }
    },
  }
}
export type TransferMeter = ReturnType<typeof createTransferMeter>
