/**
 * One lane of messages on their way: takes what is due out of the outbox, sends it as its gate allows, and keeps what became
 * of it. Nothing waits for a slow receiver but what is meant for it.
 */
import type { WatchCtx } from '../app/context.ts'
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
import { createWork } from './work.ts'
import { createHand, type Hand, type Parcel } from './hand.ts'

/** Taken from the outbox at once. */
export const LOAD_MAX = 2_000
const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000
/** A message is given up after a day, and not before it was tried so often: it may have waited for us. */
const GIVE_UP_AFTER_MS = 86_400_000
const GIVE_UP_AFTER_ATTEMPTS = 8

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

/** Begins empty. */
export function createLane(ctx: WatchCtx, options: LaneOptions): Lane {
  const { gate, slots } = options
  const hand = createHand()
  const work = createWork(ctx)
  let active = 0
  let isMoreLikely = false

  function load(): number {
    if (work.isClosed() || gate.restMs() > 0) return 0
    const count = takeDue(ctx, hand, options)
    isMoreLikely = count >= LOAD_MAX
    start()
    return count
  }

  function start(): void {
    // Still due in the outbox: it is taken again once the lane is open.
    if (work.isClosed() || gate.restMs() > 0) return hand.putBack()
    for (const [key, parcels] of hand.waiting) {
      while (parcels.length > 0 && active < slots) {
        const waitMs = gate.enter(key)
        if (waitMs === null) break
        work.add(waitMs > 0 ? hold(parcels.splice(0), waitMs) : carry(key, parcels.shift()!))
      }
      if (parcels.length === 0) hand.waiting.delete(key)
      if (active >= slots) return
    }
  }

  /** They step back behind the others: thousands at one host must not fill each load. */
  async function hold(parcels: readonly Parcel[], waitMs: number): Promise<void> {
    const dueAtMs = ctx.clock.now().getTime() + waitMs
    await work.keep(parcels.flatMap(({ messages }) => messages.map(({ id }) => holdStatement(id, dueAtMs))))
    for (const parcel of parcels) hand.release(parcel)
    goOn()
  }

  async function carry(key: string, parcel: Parcel): Promise<void> {
    active += 1
    const { subscriptionId } = parcel
    const { now, later, outcome: sent, durationMs } = await sendNext(ctx, options, parcel)
    active -= 1
    const outcome = gate.leave({ key, subscriptionId, outcome: sent, durationMs })
    start()
    await work.keep(afterSending(ctx, { now, later, subscriptionId, outcome, restMs: gate.restMs() }))
    hand.release(parcel)
    const isNextDue = outcome.kind === 'sent' || outcome.kind === 'impossible'
    if (isNextDue && later.length > 0) hand.put(key, { subscriptionId, messages: later })
    goOn()
  }

  function goOn(): void {
    start()
    if (isMoreLikely && hand.waiting.size === 0) load()
  }

  return { load, idle: work.idle, close: work.close }
}

/** Puts what is due in hand, and answers how many messages of it are new. */
function takeDue(ctx: WatchCtx, hand: Hand, { name, gate }: LaneOptions): number {
  const due = listDue(ctx, name, LOAD_MAX + hand.count()).filter(
    ({ subscriptionId }) => !hand.has(subscriptionId),
  )
  for (const [subscriptionId, messages] of Map.groupBy(due, (message) => message.subscriptionId))
    hand.put(gate.keyOf(messages[0]!), { subscriptionId, messages })
  return due.length
}

/** Several that waited together go out as one mail; a webhook gets each of its own. */
async function sendNext(ctx: WatchCtx, { name, send }: LaneOptions, { subscriptionId, messages }: Parcel) {
  const count = name === 'mail' ? messages.length : 1
  const now = messages.slice(0, count)
  const subscription = subscriptionById(ctx, subscriptionId)
  const startedMs = ctx.clock.monotonicMs()
  const outcome: SendOutcome = subscription
    ? await send(subscription, now)
    : { kind: 'gone', error: 'It was ended.' }
  return { now, later: messages.slice(count), outcome, durationMs: ctx.clock.monotonicMs() - startedMs }
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
