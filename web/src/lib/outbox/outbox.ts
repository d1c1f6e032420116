/**
 * Actions that a person takes, kept until the server has acknowledged them.
 *
 * Each entry carries one idempotency key from its making to its end, so sending it twice does it once. Entries are sent
 * in order, one at a time, by one tab. An action that undoes a waiting one of the same subject replaces it. While the
 * database is away the server writes an action into its journal and says so: then the entry stays here, never to be
 * sent again, until what the server shows has it.
 */
import { ApiError, isTransient } from '#lib/api/problem.ts'
import type { Problem } from '#lib/api/types.ts'

export interface OutboxAction {
  readonly kind: 'like' | 'save' | 'follow' | 'comment'
  /** What it is about; a later action on the same subject replaces one that waits. Null: it never replaces any. */
  readonly subject: string | null
  readonly method: 'PUT' | 'DELETE' | 'POST'
  readonly path: string
  readonly body?: unknown
  /** Whose action it is: it is sent only while this account is signed in. */
  readonly accountId: string
}

export interface OutboxEntry extends OutboxAction {
  /** Also the idempotency key. */
  readonly id: string
  /** Later entries have greater ones. */
  readonly order: number
  readonly madeAtMs: number
  /** The server's answer, once it has the action in its journal: it is done for the person, and not sent again. */
  readonly keptAnswer?: unknown
}

/** Whether the server has taken the action and does it later. */
export const isAtServer = (entry: OutboxEntry): boolean => entry.keptAnswer !== undefined

export interface OutboxStorage {
  readAll(): Promise<OutboxEntry[]>
  put(entry: OutboxEntry): Promise<void>
  remove(ids: readonly string[]): Promise<void>
}

export interface OutboxDeps {
  readonly storage: OutboxStorage
  send(entry: OutboxEntry): Promise<unknown>
  /** Runs work in one tab at a time; resolves to undefined without running it when another tab is at it. */
  exclusively<T>(work: () => Promise<T>): Promise<T | undefined>
  currentAccountId(): string | null
  now(): number
  makeId(): string
  /** The list has changed, here or in another tab. */
  onChange(entries: readonly OutboxEntry[]): void
  onSent(entry: OutboxEntry, answer: unknown): void
  /** The server refused it for good; it is not kept. */
  onRefused(entry: OutboxEntry, problem: Problem): void
}

/** How a run of sending ended: nothing is left, or something waits for the network or for a sign-in. */
export type FlushResult = 'done' | 'waiting' | 'busy'

export interface Outbox {
  add(action: OutboxAction): Promise<OutboxEntry>
  flush(): Promise<FlushResult>
  reload(): Promise<void>
  /** Forgets entries of the server's journal: what it shows has them now. */
  settle(isDone: (entry: OutboxEntry) => boolean): Promise<void>
  /** Drops what waits for an account; what is under way just now may still be done. */
  discard(accountId: string): Promise<void>
}

export function createOutbox(deps: OutboxDeps): Outbox {
  let sendingId: string | null = null

  async function reload(): Promise<void> {
    deps.onChange(await readInOrder())
  }
  async function readInOrder(): Promise<OutboxEntry[]> {
    return (await deps.storage.readAll()).sort((a, b) => a.order - b.order)
  }

  async function add(action: OutboxAction): Promise<OutboxEntry> {
    const entries = await readInOrder()
    const replaced = entries.filter(
      (entry) =>
        action.subject !== null &&
        entry.subject === action.subject &&
        entry.accountId === action.accountId &&
        // What is under way may have been done already: its opposite has to follow it.
        entry.id !== sendingId,
    )
    const entry: OutboxEntry = {
      ...action,
      id: deps.makeId(),
      order: Math.max(deps.now(), (entries.at(-1)?.order ?? 0) + 1),
      madeAtMs: deps.now(),
    }
    await deps.storage.put(entry)
    await deps.storage.remove(replaced.map((old) => old.id))
    await reload()
    return entry
  }

  async function flush(): Promise<FlushResult> {
    return (await deps.exclusively(sendAll)) ?? 'busy'
  }

  async function sendAll(): Promise<FlushResult> {
    const paused = new Set<string>()
    for (;;) {
      const entries = (await readInOrder()).filter((one) => !isAtServer(one))
      const entry = entries.find(
        (one) => one.accountId === deps.currentAccountId() && !paused.has(featureOf(one)),
      )
      if (!entry) return entries.length === 0 ? 'done' : 'waiting'
      sendingId = entry.id
      try {
        const answer = await deps.send(entry)
        if (isKeptAnswer(answer)) await deps.storage.put({ ...entry, keptAnswer: answer })
        else await deps.storage.remove([entry.id])
        deps.onSent(entry, answer)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        if (error.problem.code === 'feature-paused') {
          paused.add(featureOf(entry))
          continue
        }
        if (mayStillBeDone(error.problem)) return 'waiting'
        await deps.storage.remove([entry.id])
        deps.onRefused(entry, error.problem)
      } finally {
        sendingId = null
        await reload()
      }
    }
  }

  async function discard(accountId: string): Promise<void> {
    const entries = await readInOrder()
    await deps.storage.remove(
      entries.filter((entry) => entry.accountId === accountId).map((entry) => entry.id),
    )
    await reload()
  }

  async function settle(isDone: (entry: OutboxEntry) => boolean): Promise<void> {
    const done = (await readInOrder()).filter((entry) => isAtServer(entry) && isDone(entry))
    if (done.length === 0) return
    await deps.storage.remove(done.map((entry) => entry.id))
    await reload()
  }

  return { add, flush, reload, settle, discard }
}

/** Later, or after a sign-in, or by the next build of this app. */
const mayStillBeDone = (problem: Problem): boolean =>
  isTransient(problem) || problem.status === 401 || problem.code === 'client-too-old'

function isKeptAnswer(answer: unknown): boolean {
  return (answer as { isKept?: unknown } | undefined)?.isKept === true
}

/** What pauses together: comments wait while likes go, and the other way round. */
function featureOf(entry: OutboxEntry): string {
  return entry.subject?.split(':')[0] ?? entry.kind
}
