/**
 * One lane of messages on their way: takes what is due out of the outbox, sends it as its gate allows, and keeps what became
 * of it. Nothing waits for a slow receiver but what is meant for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { Statement } from '../store/index.ts'
import type { Gate } from './gate.ts'
import {
  giveUpStatement,
  holdStatement,
  listDue,
  retryStatement,
  sentStatement,
  type DueMessage,
  type LaneName,
} from './outbox.ts'
import type { Senders, SendOutcome } from './senders.ts'
import { endStatement, subscriptionById } from './subscriptions.ts'

/** Taken from the outbox at once. */
export const LOAD_MAX = 2_000
const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000
/** A message is given up after a day, and not before it was tried so often: it may have waited for us. */
const GIVE_UP_AFTER_MS = 86_400_000
const GIVE_UP_AFTER_ATTEMPTS = 8
const FIRST_KEEP_PAUSE_MS = 1_000
const LONGEST_KEEP_PAUSE_MS = 60_000

export interface LaneOptions {
  readonly name: LaneName
  readonly gate: Gate
  /** Sends at the same time. */
  readonly slots: number
  readonly send: Senders['send']
}

export interface Lane {
  /** Takes what is due and begins to send it. Answers how many messages are new in hand. */
  load(): number
  /** Answers once nothing is under way any more. */
  idle(): Promise<void>
  /** Begins nothing more, and waits for what is under way. */
  close(): Promise<void>
}

/** What waits for one subscription, in order. */
interface Parcel {
  readonly subscriptionId: string
  readonly messages: readonly DueMessage[]
}

/** Begins empty. */
export function createLane(ctx: WatchCtx, { name, gate, slots, send }: LaneOptions): Lane {
  const waiting = new Map<string, Parcel[]>()
  /** Subscriptions that have something in hand: their order is kept. */
  const taken = new Set<string>()
  const underWay = new Set<Promise<void>>()
  const closing = new AbortController()
  let active = 0
  let inHand = 0
  let isMoreLikely = false

  function load(): number {
    if (closing.signal.aborted || gate.restMs() > 0) return 0
    const due = listDue(ctx, name, LOAD_MAX + inHand).filter(
      ({ subscriptionId }) => !taken.has(subscriptionId),
    )
    for (const [subscriptionId, messages] of Map.groupBy(due, (message) => message.subscriptionId)) {
      taken.add(subscriptionId)
      inHand += messages.length
      enqueue(gate.keyOf(messages[0]!), { subscriptionId, messages })
    }
    isMoreLikely = due.length >= LOAD_MAX
    start()
    return due.length
  }

  function enqueue(key: string, parcel: Parcel): void {
    const parcels = waiting.get(key) ?? []
    waiting.set(key, parcels)
    // Whoever is on call does not wait behind subscribers.
    if (parcel.messages[0]!.notice.kind === 'page') parcels.unshift(parcel)
    else parcels.push(parcel)
  }

  function release({ subscriptionId, messages }: Parcel): void {
    taken.delete(subscriptionId)
    inHand -= messages.length
  }

  function start(): void {
    if (closing.signal.aborted || gate.restMs() > 0) return putBack()
    for (const [key, parcels] of waiting) {
      while (parcels.length > 0) {
        if (active >= slots) return
        const waitMs = gate.enter(key)
        if (waitMs === null) break
        if (waitMs > 0) {
          track(hold(parcels.splice(0), waitMs))
          break
        }
        active += 1
        track(carry(key, parcels.shift()!))
      }
      if (parcels.length === 0) waiting.delete(key)
    }
  }

  /** Still due in the outbox: it is taken again once the lane is open. */
  function putBack(): void {
    for (const parcels of waiting.values()) for (const parcel of parcels) release(parcel)
    waiting.clear()
  }

  /** They step back behind the others: thousands at one host must not fill each load. */
  async function hold(parcels: readonly Parcel[], waitMs: number): Promise<void> {
    const dueAtMs = ctx.clock.now().getTime() + waitMs
    await keep(parcels.flatMap(({ messages }) => messages.map(({ id }) => holdStatement(id, dueAtMs))))
    for (const parcel of parcels) release(parcel)
    goOn()
  }

  async function carry(key: string, { subscriptionId, messages }: Parcel): Promise<void> {
    // Several that waited together go out as one mail; a webhook gets each of its own.
    const count = name === 'mail' ? messages.length : 1
    const [now, later] = [messages.slice(0, count), messages.slice(count)]
    const subscription = subscriptionById(ctx, subscriptionId)
    const startedMs = ctx.clock.monotonicMs()
    const sent: SendOutcome = subscription
      ? await send(subscription, now)
      : { kind: 'gone', error: 'It was ended.' }
    const durationMs = ctx.clock.monotonicMs() - startedMs
    active -= 1
    const outcome = gate.leave({ key, subscriptionId, outcome: sent, durationMs })
    start()
    await keep(afterSending(ctx, { now, later, subscriptionId, outcome, restMs: gate.restMs() }))
    release({ subscriptionId, messages: now })
    if (later.length > 0 && (outcome.kind === 'sent' || outcome.kind === 'impossible')) {
      taken.add(subscriptionId)
      enqueue(key, { subscriptionId, messages: later })
    } else inHand -= later.length
    goOn()
  }

  function goOn(): void {
    start()
    if (isMoreLikely && waiting.size === 0) load()
  }

  /**
   * While the disk refuses, what was sent is held in hand: asked for again meanwhile, it would be sent again. After the end of
   * the process it is: a message comes at least once.
   */
  async function keep(statements: readonly Statement[]): Promise<void> {
    for (let pauseMs = FIRST_KEEP_PAUSE_MS; ; pauseMs = Math.min(LONGEST_KEEP_PAUSE_MS, pauseMs * 2)) {
      try {
        await ctx.store.write(statements)
        return
      } catch (error) {
        const isDisk = error instanceof WatchError && error.code === 'storage-unavailable'
        if (!isDisk || closing.signal.aborted) throw error
        ctx.log.error({ err: error, lane: name }, 'telling.not-kept')
        await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
  }

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => ctx.log.error({ err: error, lane: name }, 'telling.not-recorded'))
      .finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }

  async function idle(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay)
  }

  return {
    load,
    idle,
    async close() {
      closing.abort()
      putBack()
      await idle()
    },
  }
}

function afterSending(
  ctx: WatchCtx,
  input: {
    readonly now: readonly DueMessage[]
    /** What waits behind them for the same receiver. */
    readonly later: readonly DueMessage[]
    readonly subscriptionId: string
    readonly outcome: SendOutcome
    /** For how long the lane rests. */
    readonly restMs: number
  },
): Statement[] {
  const { now, later, outcome } = input
  const nowMs = ctx.clock.now().getTime()
  switch (outcome.kind) {
    case 'sent':
      return now.map(({ id }) => sentStatement(id))
    case 'gone':
      return [endStatement(input.subscriptionId)]
    case 'impossible':
      return now.map(({ id }) => giveUpStatement(id, outcome.error))
    case 'ours':
      // Behind those that were not tried yet: the next to try is another one.
      return now.map(({ id }) => holdStatement(id, nowMs + input.restMs + 1))
    case 'retry': {
      const pauseMs = outcome.afterS ? outcome.afterS * 1000 : pauseOf(now[0]!.attempts)
      return [
        ...now.map(({ id, attempts, firstDueAtMs }) =>
          nowMs - firstDueAtMs > GIVE_UP_AFTER_MS && attempts + 1 >= GIVE_UP_AFTER_ATTEMPTS
            ? giveUpStatement(id, outcome.error)
            : retryStatement(id, nowMs + pauseMs, outcome.error),
        ),
        // In their order, and no more than one attempt at a time.
        ...later.map(({ id }) => holdStatement(id, nowMs + pauseMs)),
      ]
    }
  }
}

const pauseOf = (attempts: number): number => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts)
