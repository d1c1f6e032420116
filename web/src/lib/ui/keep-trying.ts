/** Tries again by itself what failed for want of a network or a server: calmly, and only while somebody looks. */
import type { Problem } from '#lib/api/types.ts'

const SHORTEST_MS = 3000
const LONGEST_MS = 30_000
/** A place where nothing has failed for so long begins with short pauses again. */
const FORGOTTEN_AFTER_MS = 2 * LONGEST_MS

/** Whether the same thing may work in a while without the person's doing. */
export function helpsToWait(problem: Problem): boolean {
  return problem.side === 'network' || (problem.side === 'us' && problem.status >= 500)
}

/** The pause after so many failures in a row (1 for the first): 3 to 6 s at first, 3 to 30 s from the fourth on. */
export function pauseAfterMs(failures: number, random: () => number): number {
  const longestMs = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** failures)
  return Math.round(SHORTEST_MS + random() * (longestMs - SHORTEST_MS))
}

const failuresByPlace = new Map<string, { readonly count: number; readonly atMs: number }>()

function noteFailure(place: string): number {
  const nowMs = Date.now()
  const last = failuresByPlace.get(place)
  const count = last && nowMs - last.atMs < FORGOTTEN_AFTER_MS ? last.count + 1 : 1
  failuresByPlace.set(place, { count, atMs: nowMs })
  return count
}

interface KeepTryingInput {
  /** Failures in the same place make the pauses longer. */
  readonly place: string
  /** Called once; who fails again calls `keepTrying` again. */
  readonly retry: () => void
  /** The server's own wish. @default 0 */
  readonly atLeastMs?: number
  /** @default Math.random */
  readonly random?: () => number
}

/** Plans one more try: after a pause, or as soon as the network is back. Returns how to call it off. */
export function keepTrying({
  place,
  retry,
  atLeastMs = 0,
  random = Math.random,
}: KeepTryingInput): () => void {
  let dueMs = Date.now() + Math.max(atLeastMs, pauseAfterMs(noteFailure(place), random))
  let timer: ReturnType<typeof setTimeout> | undefined

  function run(): void {
    stop()
    retry()
  }
  function plan(): void {
    clearTimeout(timer)
    if (!document.hidden) timer = setTimeout(run, Math.max(0, dueMs - Date.now()))
  }
  function onOnline(): void {
    failuresByPlace.delete(place)
    dueMs = 0
    plan()
  }
  function stop(): void {
    clearTimeout(timer)
    removeEventListener('online', onOnline)
    document.removeEventListener('visibilitychange', plan)
  }
  addEventListener('online', onOnline)
  document.addEventListener('visibilitychange', plan)
  plan()
  return stop
}
