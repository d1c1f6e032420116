/** Tells subscribers: at least once, each notice once, a bounded number at a time, again after a failure, for a day. */
import { createRateBucket } from '../../kit/rate-bucket.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'
import {
  collectNotices,
  giveUpStatement,
  holdStatement,
  listDue,
  retryStatement,
  sentStatement,
  type DueMessage,
} from './outbox.ts'
import { createSenders, type SendOutcome } from './senders.ts'
import { endStatement, subscriptionById, type Subscription } from './subscriptions.ts'
import { openVapidKeys, type VapidKeys } from './vapid.ts'

const ROUND_MS = 1_000
/** Messages looked at in one round, and subscriptions served at the same time. */
const ROUND_MAX = 2_000
const CONCURRENCY = 64
const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000
const GIVE_UP_AFTER_MS = 86_400_000
/** One receiver's host: its own limits are lower than what we could send. */
const HOST_BURST = 50
const HOST_REFILL_MS = 1_000

export interface Telling extends AsyncDisposable {
  readonly vapid: VapidKeys
  /** Sends a greeting to a webhook that nobody has confirmed yet: only one that takes it is kept. */
  greet(subscription: Subscription): Promise<SendOutcome>
  /** Collects and sends what is due now; for tests, and after a change. Answers how many messages were tried. */
  round(): Promise<number>
}

/** Begins with what was left undone before a restart. */
export async function startTelling(ctx: WatchCtx): Promise<Telling> {
  const vapid = await openVapidKeys(ctx)
  const senders = createSenders(ctx, vapid)
  const hosts = createRateBucket({ burst: HOST_BURST, refillMs: HOST_REFILL_MS, clock: ctx.clock })
  const changed = new Set(ctx.catalog.services().map(({ id }) => id))
  const listening = ctx.live.onChange((change) => {
    if (change.kind === 'catalog') for (const { id } of ctx.catalog.services()) changed.add(id)
    else if (change.kind === 'maintenance' || (change.kind === 'incident' && change.update))
      changed.add(change.serviceId)
  })

  /** Answers the messages that have to wait for their receiver's host. */
  async function serve(messages: readonly DueMessage[]): Promise<readonly DueMessage[]> {
    const subscription = subscriptionById(ctx, messages[0]!.subscriptionId)
    if (!subscription) return []
    // Several that waited together go out as one mail; a webhook gets each of its own.
    const groups = subscription.channel === 'email' ? [messages] : messages.map((message) => [message])
    for (const [i, group] of groups.entries()) {
      if (hosts.take(hostOf(subscription)) > 0) return groups.slice(i).flat()
      const outcome = await senders.send(subscription, group)
      await ctx.store.write(afterSending(ctx, subscription, group, outcome))
      if (outcome.kind !== 'sent') break
    }
    return []
  }

  async function collect(): Promise<void> {
    const services = [...changed]
    changed.clear()
    try {
      if (services.length > 0) await collectNotices(ctx, services)
    } catch (error) {
      for (const id of services) changed.add(id)
      throw error
    }
  }

  async function sendDue(lane: 'mail' | 'web'): Promise<number> {
    const due = listDue(ctx, lane, ROUND_MAX)
    const bySubscription = [...Map.groupBy(due, ({ subscriptionId }) => subscriptionId).values()]
    let next = 0
    const held: DueMessage[] = []
    const workers = Array.from({ length: Math.min(CONCURRENCY, bySubscription.length) }, async () => {
      while (next < bySubscription.length) held.push(...(await serve(bySubscription[next++]!)))
    })
    await Promise.all(workers)
    // They step back behind the others: thousands at one host must not fill each round.
    const againMs = ctx.clock.now().getTime() + HOST_REFILL_MS
    if (held.length > 0) await ctx.store.write(held.map(({ id }) => holdStatement(id, againMs)))
    return due.length
  }

  const onError = (error: unknown) => ctx.log.error({ err: error }, 'telling.round-failed')
  const collecting = oneAtATime(collect)
  // Receivers that anyone may name, and that may be slow on purpose, keep no mail waiting.
  const lanes = [oneAtATime(() => sendDue('mail')), oneAtATime(() => sendDue('web'))]
  const repeating = lanes.map((sendOnce) =>
    startRepeating({
      intervalMs: ROUND_MS,
      work: async (signal) => {
        await collecting()
        // A full round means that more is waiting.
        while ((await sendOnce()) === ROUND_MAX && !signal.aborted);
      },
      onError,
    }),
  )
  return {
    vapid,
    greet: (subscription) => senders.send(subscription, [makeGreeting(ctx, subscription)]),
    async round() {
      await collecting()
      const counts = await Promise.all(lanes.map((sendOnce) => sendOnce()))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]()
      await Promise.all(repeating.map((one) => one[Symbol.asyncDispose]()))
      senders[Symbol.dispose]()
    },
  }
}

/** Calls wait for each other: two rounds at once would send the same message twice. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return async () => {
    while (running) await running.catch(() => {})
    running = work().finally(() => (running = null))
    return running
  }
}

function makeGreeting(ctx: WatchCtx, { id, serviceId }: Subscription): DueMessage {
  const nowMs = ctx.clock.now().getTime()
  const serviceName = ctx.catalog.find(serviceId)?.name ?? serviceId
  const notice = {
    id: `welcome-${id}`,
    kind: 'welcome' as const,
    serviceId,
    serviceName,
    subjectId: '',
    title: 'You are subscribed',
    state: 'Greeting',
    body: `Outages and maintenance of ${serviceName} will be told here.`,
    cause: null,
    advice: null,
    atMs: nowMs,
    featureIds: [],
    regions: [],
  }
  return { id: ctx.newId(), subscriptionId: id, attempts: 0, firstDueAtMs: nowMs, notice }
}

/** Mail goes to our own mail server, which has its own pace. */
const hostOf = ({ channel, address, id }: Subscription): string => {
  if (channel === 'email') return id
  const url = channel === 'push' ? (JSON.parse(address) as { endpoint: string }).endpoint : address
  return new URL(url).host
}

function afterSending(
  ctx: WatchCtx,
  subscription: Subscription,
  messages: readonly DueMessage[],
  outcome: SendOutcome,
): Statement[] {
  const nowMs = ctx.clock.now().getTime()
  switch (outcome.kind) {
    case 'sent':
      return messages.map(({ id }) => sentStatement(id))
    case 'gone':
      return [endStatement(subscription.id)]
    case 'impossible':
      return messages.map(({ id }) => giveUpStatement(id, outcome.error))
    case 'retry':
      return messages.map(({ id, attempts, firstDueAtMs }) =>
        nowMs - firstDueAtMs > GIVE_UP_AFTER_MS
          ? giveUpStatement(id, outcome.error)
          : retryStatement(
              id,
              nowMs + (outcome.afterS ? outcome.afterS * 1000 : pauseOf(attempts)),
              outcome.error,
            ),
      )
  }
}

const pauseOf = (attempts: number): number => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts)
