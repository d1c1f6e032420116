/** Sends reports of views in batches; when the page is left, at once and by a request that outlives it. */
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

/** Takes a report; a later one with the same key replaces it. */
export function addViewReport(report: ViewReport): void {
  waiting = [...waiting.filter((other) => other.key !== report.key), report].slice(-MAX_KEPT)
  timer ??= setTimeout(() => void flushViewReports(), FLUSH_MS)
}

/**
 * Hears that the page is left or put away: `collect` adds what runs, then everything is sent before the page is gone.
 * Returns how to stop.
 */
export function onPageLeft(collect: () => void): () => void {
  const onLeft = () => {
    collect()
    void flushViewReports()
  }
  const onVisibility = () => {
    if (document.hidden) onLeft()
  }
  addEventListener('pagehide', onLeft)
  document.addEventListener('visibilitychange', onVisibility)
  return () => {
    removeEventListener('pagehide', onLeft)
    document.removeEventListener('visibilitychange', onVisibility)
  }
}

/** Sends what is waiting; the first batch leaves before this returns. What fails waits for the next time. */
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
