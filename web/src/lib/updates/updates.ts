/**
 * Live updates: one event stream for the whole browser.
 *
 * HTTP/1.1 allows six connections to a host, so tabs can't each hold one. The tab that gets the lock is the leader: it
 * holds the stream and tells the others by a BroadcastChannel. When it closes, the lock goes to the next tab.
 */
import { apiUrl } from '#lib/api/client.ts'
import { UPDATES_MAX_VIDEOS } from '#lib/api/limits.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import type { Update } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { createGapWatch } from './gap-watch.ts'
import { joinWants } from './wants.ts'

const LOCK = 'upbeat.updates'
const REOPEN_DEBOUNCE_MS = 300
const RECONNECT = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 30_000 }
/** A tab that becomes the leader after so long follows another one, whose stream ended with it. */
const SUCCEEDED_AFTER_MS = 1000

/** What is told beside updates: some may have been missed, or who is signed in in this browser has changed. */
type Notice = 'gap' | 'session'

type Message =
  | { kind: 'update'; update: Update }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'account'; accountId: string | null }
  | { kind: 'want'; tab: string; videos: string[] }
  | { kind: 'leaving'; tab: string }
  | { kind: 'who-wants' }

type Listener = (update: Update) => void

const tab = makeId()
const listeners = new Set<Listener>()
const noticeListeners: Record<Notice, Set<() => void>> = { gap: new Set(), session: new Set() }
const wantsByTab = new Map<string, readonly string[]>()
const gaps = createGapWatch(() => tellAll('gap'))
let channel: BroadcastChannel | null = null
/** Whose stream it is; undefined until the tab knows. */
let accountId: string | null | undefined
let stream: EventSource | null = null
let streamUrl = ''
let isLeader = false
let isStarted = false
let startedAtMs = 0
let failures = 0
let reopenTimer: ReturnType<typeof setTimeout> | undefined

/** Starts listening, once per tab. Call it when somebody is signed in or a video is shown. */
export function startUpdates(): void {
  if (isStarted || typeof EventSource === 'undefined') return
  isStarted = true
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

/** Hears each update, whoever holds the stream. Returns how to stop. */
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
export const onSessionChanged = (listener: () => void): (() => void) => onNotice('session', listener)

function onNotice(notice: Notice, listener: () => void): () => void {
  noticeListeners[notice].add(listener)
  return () => noticeListeners[notice].delete(listener)
}

/** Says which videos this tab wants counts and comments of; the newest call counts. */
export function wantVideos(videos: readonly string[]): void {
  startUpdates()
  const wanted = videos.slice(0, UPDATES_MAX_VIDEOS)
  wantsByTab.delete(tab)
  wantsByTab.set(tab, wanted)
  if (isLeader) scheduleReopen()
  else channel?.postMessage({ kind: 'want', tab, videos: wanted } satisfies Message)
}

/** Says who is signed in in this tab. Another one than before gets a stream of their own. */
export function listenAs(nextAccountId: string | null): void {
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
  if (message.kind === 'update') emit(message.update)
  else if (message.kind === 'notice') emitNotice(message.notice)
  else if (message.kind === 'account') {
    if (accountId !== undefined && message.accountId !== accountId) emitNotice('session')
  } else if (message.kind === 'who-wants') {
    channel?.postMessage({ kind: 'want', tab, videos: [...(wantsByTab.get(tab) ?? [])] } satisfies Message)
  } else if (isLeader) {
    wantsByTab.delete(message.tab)
    if (message.kind === 'want') wantsByTab.set(message.tab, message.videos)
    scheduleReopen()
  }
}

function emit(update: Update): void {
  for (const listener of listeners) listener(update)
}

function emitNotice(notice: Notice): void {
  for (const listener of noticeListeners[notice]) listener()
}

function tellAll(notice: Notice): void {
  emitNotice(notice)
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
    emit(update)
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
