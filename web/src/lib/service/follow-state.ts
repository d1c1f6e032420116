/**
 * Follows the service's state: soon when an answer showed that it changed, every ten seconds while something is not as it
 * should be, else every few minutes. Of several tabs one asks, and the others hear of it.
 */
import { readState } from '#lib/api/endpoints.ts'
import { ApiError } from '#lib/api/problem.ts'
import type { Feature, ServiceState } from '#lib/api/types.ts'
import { pending } from '#lib/outbox/pending.svelte.ts'
import { flushOutbox, settleKept } from '#lib/outbox/sending.ts'
import { flushAfterMs, flushViewReports } from '#lib/player/view-reporter.ts'
import { findBehindS } from './regions.ts'
import { service, type StateHere } from './service.svelte.ts'

const CHANNEL = 'upbeat.service'
/** The service worker has gone to another address, or come back (`service-worker/other-addresses.ts`). */
const LOOK = 'look'
const TROUBLED_MS = 10_000
const CALM_MS = 300_000
/** However many answers tell of a change: no tab asks more often. */
const MIN_GAP_MS = 3_000
/** Whoever hears of a change at the same moment does not ask at the same moment. */
const SPREAD_MS = 1_500
/** What was held back is sent within so long of the recovery: not by everyone at once. */
const SURGE_SPREAD_MS = 5_000

let timer: ReturnType<typeof setTimeout> | undefined
let dueAtMs = Infinity
let lookedAtMs = -Infinity
let isLooking = false
let isListening = false
let channel: BroadcastChannel | null = null

/** Asks within the next seconds. */
export function lookSoon(): void {
  listen()
  const soonestMs = Math.max(Date.now(), lookedAtMs + MIN_GAP_MS) + Math.random() * SPREAD_MS
  if (soonestMs < dueAtMs) planAt(soonestMs)
}

/** Asks at once, unless it was asked just now. */
export function lookNow(): void {
  listen()
  if (Date.now() - lookedAtMs >= MIN_GAP_MS) void look()
}

/** Whether anything is not as it should be, or something is announced. */
export function isTroubled({ level, features, maintenance, regions, reachedBy }: StateHere): boolean {
  return (
    level > 0 ||
    reachedBy !== undefined ||
    findBehindS(regions) !== null ||
    (maintenance !== null && maintenance.state !== 'announced') ||
    Object.values(features).some(({ mode, share }) => mode !== 'on' || share < 1)
  )
}

async function look(): Promise<void> {
  if (isLooking) return
  isLooking = true
  lookedAtMs = Date.now()
  let hasFailed = false
  try {
    const state = await readState()
    take(state)
    channel?.postMessage(state)
  } catch (error) {
    // What was known of its features stays. Any answer at all is no silence.
    hasFailed = true
    service.isSilent =
      error instanceof ApiError && error.problem.side === 'network' && navigator.onLine !== false
  } finally {
    isLooking = false
    planNext(hasFailed)
  }
}

function planNext(hasFailed = false): void {
  const everyMs = hasFailed || (service.state && isTroubled(service.state)) ? TROUBLED_MS : CALM_MS
  planAt(Date.now() + everyMs * (0.85 + Math.random() * 0.3))
}

function planAt(atMs: number): void {
  clearTimeout(timer)
  dueAtMs = atMs
  if (!document.hidden) timer = setTimeout(() => void look(), Math.max(0, atMs - Date.now()))
}

function listen(): void {
  if (isListening) return
  isListening = true
  // A tab that nobody looks at asks nothing; its first look tells it all.
  document.addEventListener('visibilitychange', () =>
    planAt(dueAtMs === Infinity ? Date.now() + CALM_MS : dueAtMs),
  )
  if (typeof BroadcastChannel === 'undefined') return
  channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = (event: MessageEvent<StateHere | typeof LOOK>) => {
    if (event.data === LOOK) return lookSoon()
    lookedAtMs = Date.now()
    take(event.data)
    planNext()
  }
}

/** Takes in what the service says of itself, and does what has waited for that. */
export function take(state: StateHere): void {
  const before = service.state
  service.state = state
  service.level = state.level
  service.isSilent = false
  const isBack = (feature: Feature) =>
    before !== null && !isWritten(before, feature) && isWritten(state, feature)
  if (isBack('reactions') || isBack('comments'))
    spread(() => pending.entries.length > 0 && void flushOutbox())
  const telemetry = state.features.telemetry.mode
  const hasChanged = before !== null && before.features.telemetry.mode !== telemetry
  if (hasChanged && flushAfterMs(telemetry) !== null) spread(() => void flushViewReports())
  // The journal is empty before writing reopens: what the server shows has them.
  if (isWritten(state, 'reactions') && pending.atServer.length > 0)
    void settleKept(({ kind }) => kind !== 'comment')
}

const isWritten = (state: ServiceState, feature: Feature): boolean =>
  !['kept', 'paused'].includes(state.features[feature].mode)

function spread(run: () => unknown): void {
  setTimeout(run, Math.random() * SURGE_SPREAD_MS)
}
