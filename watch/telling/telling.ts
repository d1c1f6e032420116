/** Tells subscribers: at least once, each notice once, a bounded number at a time, again after a failure, for a day. */
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import { createLane } from './lane.ts'
import { createMailGate } from './mail-gate.ts'
import { noticeToOne, type Notice } from './notices.ts'
import { collectNotices, type DueMessage } from './outbox.ts'
import { createPosts } from './posts/posts.ts'
import { createSenders, type SendOutcome } from './senders.ts'
import type { Subscription } from './subscriptions.ts'
import { openVapidKeys, type VapidKeys } from './vapid.ts'
import { createWebGate } from './web-gate.ts'

const ROUND_MS = 1_000
const SLOTS = 64

export interface Telling extends AsyncDisposable {
  readonly vapid: VapidKeys
  /** Sends a greeting to a webhook that nobody has confirmed yet: only one that takes it is kept. */
  greet(subscription: Subscription): Promise<SendOutcome>
  /** Sends a notice beside the outbox, which can't be written: whoever has to be called does not wait for the disk. */
  sendNow(subscription: Subscription, notice: Notice): Promise<SendOutcome>
  /** Collects and sends what is due now; for tests, and after a change. Answers how many messages were tried. */
  round(): Promise<number>
}

/** Begins with what was left undone before a restart. */
export async function startTelling(ctx: WatchCtx): Promise<Telling> {
  const vapid = await openVapidKeys(ctx)
  const senders = createSenders(ctx, vapid)
  // Receivers that anyone may name, and that may be slow on purpose, keep no mail waiting.
  const lanes = [
    createLane(ctx, { name: 'mail', gate: createMailGate(ctx), slots: SLOTS, send: senders.send }),
    createLane(ctx, { name: 'web', gate: createWebGate(ctx), slots: SLOTS, send: senders.send }),
  ]
  const posts = createPosts(ctx)
  const news = followNews(ctx)
  const load = () => [...lanes, posts].reduce((sum, one) => sum + one.load(), 0)
  const onError = (error: unknown) => ctx.log.error({ err: error }, 'telling.round-failed')
  const repeating = startRepeating({
    intervalMs: ROUND_MS,
    work: async () => {
      // What is known already goes out, also while nothing new can be kept.
      await news.collect().catch(onError)
      load()
    },
    onError,
  })
  return {
    vapid,
    greet: (subscription) => senders.send(subscription, [makeGreeting(ctx, subscription)]),
    sendNow: (subscription, notice) =>
      senders.send(subscription, [
        {
          id: ctx.newId(),
          subscriptionId: subscription.id,
          attempts: 0,
          firstDueAtMs: ctx.clock.now().getTime(),
          notice,
        },
      ]),
    async round() {
      await news.collect()
      const count = load()
      await Promise.all([...lanes, posts].map((one) => one.idle()))
      return count
    },
    async [Symbol.asyncDispose]() {
      news[Symbol.dispose]()
      await repeating[Symbol.asyncDispose]()
      await Promise.all([...lanes, posts].map((one) => one.close()))
      senders[Symbol.dispose]()
    },
  }
}

interface News extends Disposable {
  /** Makes messages of what changed since the last call. One call waits for the other. */
  collect(): Promise<void>
}

/** After a start everything may be news. */
function followNews(ctx: WatchCtx): News {
  const changed = new Set(ctx.catalog.services().map(({ id }) => id))
  const listening = ctx.live.onChange((change) => {
    if (change.kind === 'catalog') for (const { id } of ctx.catalog.services()) changed.add(id)
    // Also without an update: an incident may have become part of this one, and another watch may have said something.
    else changed.add(change.serviceId)
  })
  let last: Promise<unknown> = Promise.resolve()

  async function collectNow(): Promise<void> {
    const services = [...changed]
    changed.clear()
    try {
      await collectNotices(ctx, services)
    } catch (error) {
      for (const id of services) changed.add(id)
      throw error
    }
  }
  return {
    collect() {
      const next = last.then(collectNow, collectNow)
      last = next
      return next
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  }
}

function makeGreeting(ctx: WatchCtx, { id, serviceId }: Subscription): DueMessage {
  const nowMs = ctx.clock.now().getTime()
  const serviceName = ctx.catalog.find(serviceId)?.name ?? serviceId
  const notice = noticeToOne({
    id: `welcome-${id}`,
    kind: 'welcome',
    serviceId,
    serviceName,
    title: 'You are subscribed',
    state: 'Greeting',
    body: `Outages and maintenance of ${serviceName} will be told here.`,
    atMs: nowMs,
  })
  return { id: ctx.newId(), subscriptionId: id, attempts: 0, firstDueAtMs: nowMs, notice }
}
