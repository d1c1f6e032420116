/** What this browser's people do and what became of it, as pages show it; keeping and sending it is `sending.ts`'s. */
import type { Problem } from '#lib/api/types.ts'
import { session } from '#lib/session/session.svelte.ts'
import type { OutboxEntry } from './outbox.ts'

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

/** Hears what became of this browser's actions. Returns how to stop. */
export function watchOutbox(watcher: Watcher): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** Shows what waits now. Only for who keeps it. */
export function takeKept(entries: readonly OutboxEntry[]): void {
  kept = entries
}

/** Only for who sends it. */
export function tellWatchers(tell: (watcher: Watcher) => void): void {
  watchers.forEach(tell)
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
