/** The outbox of this browser: what waits, when it is sent, and who is told. */
import { request } from '#lib/api/client.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import type { Problem } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { session } from '#lib/session/session.svelte.ts'
import { showProblem } from '#lib/ui/toasts.svelte.ts'
import type { Outbox, OutboxAction, OutboxEntry } from './outbox.ts'

const LOCK = 'upbeat.outbox'
const RETRY = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 60_000 }

let kept = $state.raw<readonly OutboxEntry[]>([])

/** What is here for the one who is signed in; what others left on this device is theirs. */
export const pending = {
  /** What waits to be sent. */
  get entries(): readonly OutboxEntry[] {
    return own().filter((entry) => entry.keptAnswer === undefined)
  },
  /** What the server has in its journal, and does later. */
  get atServer(): readonly OutboxEntry[] {
    return own().filter((entry) => entry.keptAnswer !== undefined)
  },
}

function own(): readonly OutboxEntry[] {
  const accountId = session.account?.id
  return kept.filter((entry) => entry.accountId === accountId)
}

interface Watcher {
  onSent?(entry: OutboxEntry, answer: unknown): void
  onRefused?(entry: OutboxEntry, problem: Problem): void
}
const watchers = new Set<Watcher>()
let outbox: Promise<Outbox> | null = null
let channel: BroadcastChannel | null = null
let failures = 0
let retryTimer: ReturnType<typeof setTimeout> | undefined

/** Hears what became of this browser's actions. Returns how to stop. */
export function watchOutbox(watcher: Watcher): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** Keeps an action and sends it as soon as it can be sent. Resolves once it is safely kept. */
export async function keepAndSend(action: Omit<OutboxAction, 'accountId'>): Promise<OutboxEntry> {
  const accountId = session.account?.id
  if (!accountId) throw new Error('Only a signed-in account acts.')
  const entry = await (await openOutbox()).add({ ...action, accountId })
  channel?.postMessage('changed')
  void flushOutbox()
  return entry
}

/** Whether an action on a subject is waiting. */
export function isPending(subject: string): boolean {
  return pending.entries.some((entry) => entry.subject === subject)
}

/**
 * What the newest action that is not done yet will make of a subject: true (liked, saved, followed) or false; null when
 * there is none.
 */
export function pendingWish(subject: string): boolean | null {
  const entry = own().findLast((one) => one.subject === subject)
  return entry ? entry.method === 'PUT' : null
}

/** Sends what waits; tries again by itself with growing pauses. */
export async function flushOutbox(): Promise<void> {
  clearTimeout(retryTimer)
  const result = await (await openOutbox()).flush()
  channel?.postMessage('changed')
  failures = result === 'done' ? 0 : failures + 1
  if (result === 'done' || !session.account) return
  retryTimer = setTimeout(
    () => void flushOutbox(),
    RETRY.baseDelayMs + delayBeforeTryMs(failures + 1, RETRY, Math.random),
  )
}

/** Forgets actions of the server's journal that are done by now; who shows them hears of it once more. */
export async function settleKept(isDone: (entry: OutboxEntry) => boolean): Promise<void> {
  const done = pending.atServer.filter(isDone)
  if (done.length === 0) return
  await (await openOutbox()).settle((entry) => done.some(({ id }) => id === entry.id))
  channel?.postMessage('changed')
  for (const entry of done) watchers.forEach((watcher) => watcher.onSent?.(entry, entry.keptAnswer))
}

/** Drops what waits for an account: it is leaving this device and wants nothing left on it. */
export async function discardPending(accountId: string): Promise<void> {
  await (await openOutbox()).discard(accountId)
  channel?.postMessage('changed')
}

/** Opens the outbox and sends what an earlier visit has left. Call it once the account is known. */
export async function startOutbox(): Promise<void> {
  const box = await openOutbox()
  await box.reload()
  if (pending.entries.length > 0) void flushOutbox()
}

function openOutbox(): Promise<Outbox> {
  outbox ??= (async () => {
    // Fetched beside the first video, not before it.
    const [{ createOutbox }, { openOutboxStorage }] = await Promise.all([
      import('./outbox.ts'),
      import('./storage.ts'),
    ])
    const storage = await openOutboxStorage()
    const box = createOutbox({
      storage,
      send: (entry) =>
        request(entry.path, {
          method: entry.method,
          body: entry.body,
          idempotencyKey: entry.id,
          shouldRetry: false,
        }),
      exclusively: async (work) =>
        navigator.locks
          ? navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? work() : undefined))
          : runAlone(work),
      currentAccountId: () => session.account?.id ?? null,
      now: () => Date.now(),
      makeId,
      onChange: (entries) => (kept = entries),
      onSent: (entry, answer) => watchers.forEach((watcher) => watcher.onSent?.(entry, answer)),
      onRefused(entry, problem) {
        showProblem(problem)
        watchers.forEach((watcher) => watcher.onRefused?.(entry, problem))
      },
    })
    if (typeof BroadcastChannel !== 'undefined') {
      channel = new BroadcastChannel(LOCK)
      channel.onmessage = () => void box.reload()
    }
    addEventListener('online', () => {
      failures = 0
      void flushOutbox()
    })
    return box
  })()
  return outbox
}

let isRunning = false
/** Without locks (plain HTTP) the key alone keeps two tabs from doing an action twice. */
async function runAlone<T>(work: () => Promise<T>): Promise<T | undefined> {
  if (isRunning) return undefined
  isRunning = true
  try {
    return await work()
  } finally {
    isRunning = false
  }
}
