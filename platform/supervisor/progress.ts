/** Tells a person who waits how a start gets on. */
import type { Output } from './output.ts'

/** How long a step may take before the person hears that it goes on. */
const SILENCE_MS = 4_000

export interface Progress {
  /** Tells what takes long, and how long it took. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>
}

export function showProgress(output: Pick<Output, 'tell'>): Progress {
  return {
    async during(what, work) {
      const startedMs = performance.now()
      const seconds = () => ((performance.now() - startedMs) / 1_000).toFixed(1)
      const remind = () => output.tell(`  … ${what}: ${seconds()} s so far`)
      // Ever more seldom: a database that is away may be so for days.
      let pauseMs = SILENCE_MS
      let reminder = setTimeout(function tell() {
        remind()
        pauseMs *= 2
        reminder = setTimeout(tell, pauseMs)
      }, pauseMs)
      try {
        const result = await work()
        output.tell(`  ✓ ${what} (${seconds()} s)`)
        return result
      } finally {
        clearTimeout(reminder)
      }
    },
  }
}
