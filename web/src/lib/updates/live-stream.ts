/**
 * The one event stream of the browser, and what the tabs tell each other of it.
 *
 * HTTP/1.1 allows six connections to a host, so tabs can't each hold one. The tab that gets the lock is the leader: it
 * holds the stream and tells the others by a BroadcastChannel. When it closes, the lock goes to the next tab. Loaded once
 * the first video has begun: nothing of it is needed before.
 */
import { apiUrl } from '#lib/api/client.ts'
import { UPDATES_MAX_VIDEOS } from '#lib/api/limits.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import type { Update } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { createGapWatch } from './gap-watch.ts'
import type { Notice } from './updates.ts'
import { joinWants } from './wants.ts'

const LOCK = 'upbeat.updates'
const REOPEN_DEBOUNCE_MS = 300
const RECONNECT = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 30_000 }
/** A tab that becomes the leader after so long follows another one, whose stream ended with it. */
const SUCCEEDED_AFTER_MS = 1000

type Message =
  | { kind: 'update'; update: Update }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'account'; accountId: string | null }
  | { kind: 'want'; tab: string; videos: string[] }
  | { kind: 'leaving'; tab: string }
  | { kind: 'who-wants' }

const tab = makeId()
const wantsByTab = new Map<string, readonly string[]>()
const gaps = createGapWatch(() => tellAll('gap'))
let hearer: Hearer
let channel: BroadcastChannel | null = null
/** Whose stream it is; undefined until the tab knows. */
let accountId: string | null | undefined
let stream: EventSource | null = null
let streamUrl = ''
let isLeader = false
let startedAtMs = 0
let failures = 0
let reopenTimer: ReturnType<typeof setTimeout> | undefined

export interface Hearer {
  readonly onUpdate: (update: Update) => void
  readonly onNotice: (notice: Notice) => void
}

/** Starts listening; call it once per tab. */
export function openLiveStream(tells: Hearer): void {
  hearer = tells
  startedAtMs = performance.now()
  if (typeof BroadcastChannel !== 'undefined') {
    channel = new BroadcastChannel(LOCK)
    channel.onmessage = (event: MessageEvent<Message>) => hear(event.data)
  }
  addEventListener('pagehide', () => channel?.postMessage({ kind: 'leaving', tab } satisfies Message))
  // Without locks (plain HTTP) each tab holds a stream of its own.
  if (!navigator.locks || !channel) lead()
  else void navigator.locks.request(LOCK, () => (lead(), new Promise<never>(() => {})))
}

/** See `wantVideos` of updates.ts. */
export function setWanted(videos: readonly string[]): void {
  const wanted = videos.slice(0, UPDATES_MAX_VIDEOS)
  wantsByTab.delete(tab)
  wantsByTab.set(tab, wanted)
  if (isLeader) scheduleReopen()
  else channel?.postMessage({ kind: 'want', tab, videos: wanted } satisfies Message)
}

/** See `listenAs` of updates.ts. */
export function setAccount(nextAccountId: string | null): void {
  if (accountId === nextAccountId) return
  const wasKnown = accountId !== undefined
  accountId = nextAccountId
  channel?.postMessage({ kind: 'account', accountId: nextAccountId } satisfies Message)
  // What was opened before the tab knew carried the same cookie.
  if (!wasKnown) return
  streamUrl = ''
  if (isLeader) scheduleReopen()
}

function hear(message: Message): void {
  if (message.kind === 'update') hearer.onUpdate(message.update)
  else if (message.kind === 'notice') hearer.onNotice(message.notice)
  else if (message.kind === 'account') {
    if (accountId !== undefined && message.accountId !== accountId) hearer.onNotice('session')
  } else if (message.kind === 'who-wants') {
    channel?.postMessage({ kind: 'want', tab, videos: [...(wantsByTab.get(tab) ?? [])] } satisfies Message)
  } else if (isLeader) {
    wantsByTab.delete(message.tab)
    if (message.kind === 'want') wantsByTab.set(message.tab, message.videos)
    scheduleReopen()
  }
}

function tellAll(notice: Notice): void {
  hearer.onNotice(notice)
  channel?.postMessage({ kind: 'notice', notice } satisfies Message)
}

function lead(): void {
  isLeader = true
  if (performance.now() - startedAtMs > SUCCEEDED_AFTER_MS) gaps.lost()
  channel?.postMessage({ kind: 'who-wants' } satisfies Message)
  addEventListener('online', () => scheduleReopen())
  scheduleReopen()
}

function scheduleReopen(delayMs = REOPEN_DEBOUNCE_MS): void {
  clearTimeout(reopenTimer)
  reopenTimer = setTimeout(openStream, delayMs)
}

function openStream(): void {
  const videos = joinWants(wantsByTab, UPDATES_MAX_VIDEOS)
  const url = apiUrl('/updates', { videos: videos.length > 0 ? videos.join(',') : null })
  if (url === streamUrl && stream && stream.readyState !== EventSource.CLOSED) return
  const isOtherAccount = streamUrl === ''
  const before = stream
  const opened = new EventSource(url)
  // Another list of videos takes over without a gap; another account's stream hears nothing more.
  if (isOtherAccount) before?.close()
  streamUrl = url
  stream = opened
  opened.onopen = () => {
    before?.close()
    failures = 0
    gaps.opened()
  }
  opened.onmessage = (event: MessageEvent<string>) => {
    const update = JSON.parse(event.data) as Update
    hearer.onUpdate(update)
    channel?.postMessage({ kind: 'update', update } satisfies Message)
  }
  // The server ends the stream after any of these but a gap told at its beginning; the browser comes back by itself.
  opened.addEventListener('gap', () => gaps.told())
  opened.addEventListener('dropped', () => gaps.told())
  opened.addEventListener('signed-out', () => tellAll('session'))
  opened.onerror = () => {
    before?.close()
    if (opened !== stream) return
    gaps.lost()
    // The browser itself reconnects after a cut; it gives up only on an answer that is no stream.
    if (opened.readyState !== EventSource.CLOSED) return
    failures += 1
    scheduleReopen(
      delayBeforeTryMs(failures + 1, RECONNECT, Math.random, RECONNECT.baseDelayMs * Math.min(failures, 15)),
    )
  }
}
