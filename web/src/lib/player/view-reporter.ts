/**
 * Sends reports of views in batches; when the page is left, at once and by a request that outlives it. While the service
 * wants fewer of them they go together, later; while it wants none they wait on the device.
 */
import { reportViews } from '#lib/api/first-endpoints.ts'
import type { FeatureMode, ViewReport } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { modeOf } from '#lib/service/service.svelte.ts'
import { OWN_PREFIX } from '#lib/session/own-traces.ts'

const FLUSH_MS = 5000
/** While fewer are wanted. */
const RARE_FLUSH_MS = 60_000
/** As many as one request may hold. */
const MAX_BATCH = 50
/** Reports that could not be sent are kept up to here: they are statistics, not the person's work. */
const MAX_KEPT = 1000
const KEY = `${OWN_PREFIX}views`

let waiting: ViewReport[] = []
let timer: ReturnType<typeof setTimeout> | undefined
let isRead = false

/** How long reports are gathered before they are sent; null: until the service wants them again. */
export function flushAfterMs(mode: FeatureMode): number | null {
  if (mode === 'paused') return null
  return mode === 'on' ? FLUSH_MS : RARE_FLUSH_MS
}

/** Takes a report; a later one with the same key replaces it. */
export function addViewReport(report: ViewReport): void {
  readKept()
  waiting = joinReports(waiting, [report])
  const afterMs = flushAfterMs(modeOf('telemetry'))
  if (afterMs !== null) timer ??= setTimeout(() => void flushViewReports(), afterMs)
}

/** The newest of each key, in the order in which they came, and not too many. */
export function joinReports(before: readonly ViewReport[], added: readonly ViewReport[]): ViewReport[] {
  const keys = new Set(added.map(({ key }) => key))
  return [...before.filter(({ key }) => !keys.has(key)), ...added].slice(-MAX_KEPT)
}

/**
 * Hears that the page is left or put away: `collect` adds what runs, then everything is sent before the page is gone.
 * Returns how to stop.
 */
export function onPageLeft(collect: () => void): () => void {
  const onLeft = () => {
    collect()
    // Should the request be lost with the page, the next page sends them again: the server counts each key once.
    writeKept(joinReports(kept(), waiting))
    if (modeOf('telemetry') !== 'paused') void flushViewReports()
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
  readKept()
  while (waiting.length > 0) {
    const batch = waiting.slice(0, MAX_BATCH)
    waiting = waiting.slice(MAX_BATCH)
    try {
      await reportViews(batch, makeId())
      const sent = new Set(batch.map(({ key }) => key))
      writeKept(kept().filter(({ key }) => !sent.has(key)))
    } catch {
      // What was reported anew meanwhile stays the newer one.
      waiting = joinReports(batch, waiting)
      return writeKept(joinReports(kept(), waiting))
    }
  }
}

/** Takes up what an earlier page of this browser could not send. */
function readKept(): void {
  if (!isRead) waiting = joinReports(kept(), waiting)
  isRead = true
}

/** On the device, for all tabs of it; as everything under such a key it goes with who signs out. */
function kept(): ViewReport[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as ViewReport[]
  } catch {
    // Storage is forbidden: nothing was kept.
    return []
  }
}

function writeKept(reports: readonly ViewReport[]): void {
  try {
    if (reports.length > 0) localStorage.setItem(KEY, JSON.stringify(reports))
    else localStorage.removeItem(KEY)
  } catch {
    // Full or forbidden: they wait for as long as this page is open.
  }
}
