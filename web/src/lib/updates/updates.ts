/** Live updates: who wants to hear of them, and of what. The stream behind them is loaded when it is first wanted. */
import type { Update } from '#lib/api/types.ts'
import { ACCOUNT_KEY } from '#lib/session/account-key.ts'

/** What is told beside updates: some may have been missed, or who is signed in in this browser has changed. */
export type Notice = 'gap' | 'session'

type Listener = (update: Update) => void

const LOAD_AGAIN_MS = 5000
/** Nobody waits longer for the stream, whatever the first video does. */
const SOON_MS = 2000

const listeners = new Set<Listener>()
const noticeListeners: Record<Notice, Set<() => void>> = { gap: new Set(), session: new Set() }
let live: typeof import('./live-stream.ts') | null = null
let timer: ReturnType<typeof setTimeout> | null = null
let isStarted = false
let wanted: readonly string[] | null = null
/** Who is signed in; undefined until the tab knows. */
let accountId: string | null | undefined

/** Starts listening soon, once per tab: the first video's frame comes first. */
function startUpdates(): void {
  timer ??= setTimeout(openUpdates, SOON_MS)
}

/** Listens from now on, once per tab, if anybody wants to hear anything. */
export function openUpdates(): void {
  if (timer === null || isStarted || typeof EventSource === 'undefined') return
  isStarted = true
  void load()
}

async function load(): Promise<void> {
  try {
    live = await import('./live-stream.ts')
  } catch {
    setTimeout(() => void load(), LOAD_AGAIN_MS)
    return
  }
  live.openLiveStream({
    onUpdate: (update) => listeners.forEach((listener) => listener(update)),
    onNotice: (notice) => noticeListeners[notice].forEach((listener) => listener()),
  })
  if (accountId !== undefined) live.setAccount(accountId)
  if (wanted) live.setWanted(wanted)
}

/** Hears each update, whichever tab holds the stream. Returns how to stop. */
export function onUpdate(listener: Listener): () => void {
  startUpdates()
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Called when updates may have been missed and come in again: time to read anew what is shown. Returns how to stop. */
export const onUpdatesMissed = (listener: () => void): (() => void) => onNotice('gap', listener)

/**
 * Called when the session was ended, by whomever, or another tab of this browser has signed in or out: time to ask who
 * is signed in. Returns how to stop.
 */
export function onSessionChanged(listener: () => void): () => void {
  const stop = onNotice('session', listener)
  // What a tab keeps on the device of who is signed in reaches the others at once, their streams open or not.
  const onStorage = ({ key }: StorageEvent) => key === ACCOUNT_KEY && listener()
  addEventListener('storage', onStorage)
  return () => {
    stop()
    removeEventListener('storage', onStorage)
  }
}

function onNotice(notice: Notice, listener: () => void): () => void {
  noticeListeners[notice].add(listener)
  return () => noticeListeners[notice].delete(listener)
}

/** Says which videos this tab wants counts and comments of; the newest call counts. */
export function wantVideos(videos: readonly string[]): void {
  startUpdates()
  wanted = videos
  live?.setWanted(videos)
}

/** Says who is signed in in this tab. Another one than before gets a stream of their own. */
export function listenAs(nextAccountId: string | null): void {
  accountId = nextAccountId
  live?.setAccount(nextAccountId)
}
