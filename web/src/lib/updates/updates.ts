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
import { joinWants } from './wants.ts'

const LOCK = 'upbeat.updates'
const REOPEN_DEBOUNCE_MS = 300
const RECONNECT = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 30_000 }

type Message =
  | { kind: 'update'; update: Update }
  | { kind: 'want'; tab: string; videos: string[] }
  | { kind: 'leaving'; tab: string }
  | { kind: 'who-wants' }

type Listener = (update: Update) => void

const tab = makeId()
const listeners = new Set<Listener>()
const wantsByTab = new Map<string, readonly string[]>()
let channel: BroadcastChannel | null = null
let stream: EventSource | null = null
let streamUrl = ''
let isLeader = false
let isStarted = false
let failures = 0
let reopenTimer: ReturnType<typeof setTimeout> | undefined

/** Starts listening, once per tab. Call it when somebody is signed in or a video is shown. */
export function startUpdates(): void {
  if (isStarted || typeof EventSource === 'undefined') return
  isStarted = true
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

/** Says which videos this tab wants counts and comments of; the newest call counts. */
export function wantVideos(videos: readonly string[]): void {
  startUpdates()
  const wanted = videos.slice(0, UPDATES_MAX_VIDEOS)
  wantsByTab.delete(tab)
  wantsByTab.set(tab, wanted)
  if (isLeader) scheduleReopen()
  else channel?.postMessage({ kind: 'want', tab, videos: wanted } satisfies Message)
}

/** Opens the stream anew: who is signed in has changed. */
export function restartUpdates(): void {
  streamUrl = ''
  if (isLeader) scheduleReopen()
}

function hear(message: Message): void {
  if (message.kind === 'update') emit(message.update)
  else if (message.kind === 'who-wants') {
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

function lead(): void {
  isLeader = true
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
  stream?.close()
  streamUrl = url
  stream = new EventSource(url)
  stream.onopen = () => (failures = 0)
  stream.onmessage = (event: MessageEvent<string>) => {
    const update = JSON.parse(event.data) as Update
    emit(update)
    channel?.postMessage({ kind: 'update', update } satisfies Message)
  }
  stream.onerror = () => {
    // The browser itself reconnects after a cut; it gives up only on an answer that is no stream.
    if (stream?.readyState !== EventSource.CLOSED) return
    failures += 1
    scheduleReopen(
      delayBeforeTryMs(failures + 1, RECONNECT, Math.random, RECONNECT.baseDelayMs * Math.min(failures, 15)),
    )
  }
}
