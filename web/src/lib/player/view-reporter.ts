/** Sends reports of views in batches; on leaving the page by a request that outlives it. */
import { reportViews } from '#lib/api/endpoints.ts'
import type { ViewReport } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'

const FLUSH_MS = 5000
/** As many as one request may hold. */
const MAX_BATCH = 50
/** Reports that could not be sent are kept up to here: they are statistics, not the person's work. */
const MAX_KEPT = 200

let waiting: ViewReport[] = []
let timer: ReturnType<typeof setTimeout> | undefined
let isListening = false

/** Takes a report; a later one with the same key replaces it. */
export function addViewReport(report: ViewReport): void {
  waiting = [...waiting.filter((other) => other.key !== report.key), report].slice(-MAX_KEPT)
  timer ??= setTimeout(() => void flushViewReports(), FLUSH_MS)
  if (isListening) return
  isListening = true
  addEventListener('pagehide', () => void flushViewReports())
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) void flushViewReports()
  })
}

/** Sends what is waiting. What fails waits for the next time. */
export async function flushViewReports(): Promise<void> {
  clearTimeout(timer)
  timer = undefined
  while (waiting.length > 0) {
    const batch = waiting.slice(0, MAX_BATCH)
    waiting = waiting.slice(MAX_BATCH)
    try {
      await reportViews(batch, makeId())
    } catch {
      waiting = [...batch, ...waiting].slice(-MAX_KEPT)
      return
    }
  }
}
