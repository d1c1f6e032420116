/** Keeps and sends what people do: fetched with the first action, or when somebody is signed in. */
import { request } from '#lib/api/client.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import { makeId } from '#lib/ids.ts'
import { session } from '#lib/session/session.svelte.ts'
import { showProblem } from '#lib/ui/toasts.svelte.ts'
import { createOutbox, type Outbox, type OutboxAction, type OutboxEntry } from './outbox.ts'
import { pending, takeKept, tellWatchers } from './pending.svelte.ts'
import { openOutboxStorage } from './storage.ts'

const LOCK = 'upbeat.outbox'
const RETRY = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 60_000 }

let outbox: Promise<Outbox> | null = null
let channel: BroadcastChannel | null = null
let failures = 0
let retryTimer: ReturnType<typeof setTimeout> | undefined

/** Keeps an action and sends it as soon as it can be sent. Resolves once it is safely kept. */
export async function keepAndSend(action: OutboxAction): Promise<OutboxEntry> {
  const entry = await (await openOutbox()).add(action)
  channel?.postMessage('changed')
  void flushOutbox()
  return entry
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
  for (const entry of done) tellWatchers((watcher) => watcher.onSent?.(entry, entry.keptAnswer))
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
      onChange: takeKept,
      onSent: (entry, answer) => tellWatchers((watcher) => watcher.onSent?.(entry, answer)),
      onRefused(entry, problem) {
        showProblem(problem)
        tellWatchers((watcher) => watcher.onRefused?.(entry, problem))
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
