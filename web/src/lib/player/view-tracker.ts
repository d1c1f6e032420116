/** Measures how long a showing of a video was really watched. The server decides what counts as a view. */
import type { ViewReport } from '#lib/api/types.ts'

/** A jump of the playhead that is longer than this was a seek, not watching. */
const MAX_STEP_S = 1.5
/** The server counts a view from here on (VIEW_MIN_WATCHED_MS): worth a report before the showing ends. */
const WORTH_REPORTING_S = 2

export interface ViewTracker {
  /** The playhead has moved. True once: when so much was watched that a report should not wait for the end. */
  advance(timeS: number): boolean
  /** The person has moved the playhead. */
  seek(timeS: number): void
  /** The video has begun again by itself. */
  complete(): void
  /** What there is to report; null when it did not play, or not since the last report. */
  report(): ViewReport | null
}

export function createViewTracker(input: Pick<ViewReport, 'videoId' | 'key' | 'source'>): ViewTracker {
  let watchedS = 0
  let completions = 0
  let lastS: number | null = null
  let reportedMs = 0
  return {
    advance(timeS) {
      const stepS = lastS === null ? 0 : timeS - lastS
      const beforeS = watchedS
      if (stepS > 0 && stepS <= MAX_STEP_S) watchedS += stepS
      lastS = timeS
      return beforeS < WORTH_REPORTING_S && watchedS >= WORTH_REPORTING_S
    },
    seek(timeS) {
      lastS = timeS
    },
    complete() {
      completions += 1
      lastS = 0
    },
    report() {
      const watchedMs = Math.round(watchedS * 1000)
      if (watchedMs === reportedMs) return null
      reportedMs = watchedMs
      return { ...input, watchedMs, completions }
    },
  }
}
