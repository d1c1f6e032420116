/**
 * The open streams of this process: who hears which topics, told from NOTIFY, kept true when visibility, blocks or
 * sessions change.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Update } from '../../../contract/updates.ts'
import type { SseStream } from '../../../kit/sse.ts'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { LIVE_CHANNEL, type LiveMessage, type LiveTopic } from '../../app/live.ts'
import { onSessionRevoked } from '../accounts/index.ts'
import type { Reader } from '../comments/index.ts'
import { countUnreadNotifications } from '../notifications/index.ts'
import { loadCounts, visibleVideoIds } from '../videos/index.ts'
import { createLatestOnly, loadPayload, type LoadReceipt } from './payloads.ts'

export interface Subscriber {
  readonly stream: SseStream
  readonly reader: Reader | null
  /** Null when signed out. */
  readonly sessionToken: string | null
  readonly videoIds: readonly string[]
}

/** A subscriber with what the hub knows of it. */
interface Listening extends Subscriber {
  readonly topics: Set<LiveTopic>
  /** Grows with each reading of what may be heard: an older reading that ends later is dropped. */
  revision: number
}

export interface UpdateHub extends AsyncDisposable {
  /** Lets the subscriber hear its account and those of its videos that it may see, until `remove`. */
  add(subscriber: Subscriber): Promise<void>
  remove(stream: SseStream): void
}

export interface HubOptions {
  readonly loadReceipt: LoadReceipt
  /** Between two signs of life. */
  readonly heartbeatMs: number
}

/** Begins to listen; disposal ends all streams. */
export function createUpdateHub(ctx: Ctx, { loadReceipt, heartbeatMs }: HubOptions): UpdateHub {
  const all = new Map<SseStream, Listening>()
  const byTopic = new Map<LiveTopic, Set<Listening>>()
  const epoch = ctx.randomBytes(6).toString('base64url')
  let lastNumber = 0
  const refreshing = new Set<Promise<void>>()
  const nextId = () => `${epoch}-${++lastNumber}`

  const tell = createLatestOnly(async (message) => {
    try {
      const payload = await loadPayload(ctx, loadReceipt, message)
      if (!payload) return
      // What hides a video came before what must not be heard of it: messages keep the order of their commits.
      await Promise.all(refreshing)
      const id = nextId()
      for (const listening of byTopic.get(message.topic) ?? [])
        if (!listening.reader || !payload.hiddenFrom.has(listening.reader.id))
          listening.stream.send({ id, data: payload.textFor(listening.reader) })
    } catch (error) {
      ctx.log.warn({ err: error, topic: message.topic }, 'updates.load-failed')
    }
  })

  function subscribe(listening: Listening, topic: LiveTopic): void {
    listening.topics.add(topic)
    const set = byTopic.get(topic) ?? new Set()
    byTopic.set(topic, set.add(listening))
  }

  function unsubscribe(listening: Listening, topic: LiveTopic): void {
    listening.topics.delete(topic)
    const set = byTopic.get(topic)
    set?.delete(listening)
    if (set?.size === 0) byTopic.delete(topic)
  }

  /** Reads anew which of its videos the subscriber may hear of. */
  async function refresh(listening: Listening): Promise<void> {
    const { reader, videoIds, stream } = listening
    const revision = ++listening.revision
    const visible = await visibleVideoIds(ctx.db, reader?.id ?? null, videoIds)
    if (revision !== listening.revision || !all.has(stream)) return
    for (const id of videoIds)
      if (visible.includes(id)) subscribe(listening, `video:${id}`)
      else unsubscribe(listening, `video:${id}`)
  }

  /**
   * Begins with the counts as they are: what changed after the page was read and before its stream was open would
   * otherwise stay wrong on it until the next change.
   */
  async function tellCounts({ stream, topics, videoIds }: Listening): Promise<void> {
    const heard = videoIds.filter((id) => topics.has(`video:${id}`))
    for (const [videoId, counts] of await loadCounts(ctx.db, heard)) {
      const update: Update = { kind: 'counts', videoId, counts }
      stream.send({ id: nextId(), data: JSON.stringify(update) })
    }
  }

  function track(work: Promise<void>): void {
    refreshing.add(work)
    void work.then(() => refreshing.delete(work))
  }

  /** What can't be read ends the stream: the browser comes back, and is answered then. */
  async function endOnFailure(stream: SseStream, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      ctx.log.warn({ err: error }, 'updates.failed')
      stream.end(gap(nextId()))
    }
  }

  /** Whose hearing an event may change. */
  function concernedBy(event: DomainEvent): Listening[] {
    switch (event.kind) {
      case 'video-changed':
      case 'video-deleted':
      case 'published':
        return [...all.values()].filter((listening) => listening.videoIds.includes(event.videoId))
      case 'unfollowed':
      case 'followed':
      case 'blocked':
      case 'unblocked':
        return [event.accountId, event.subjectId].flatMap((id) => [...(byTopic.get(`account:${id}`) ?? [])])
      default:
        return []
    }
  }

  const stops = [
    ctx.listener.on(LIVE_CHANNEL, (message) => {
      const live = message as LiveMessage
      if (byTopic.has(live.topic)) void tell(live)
    }),
    ctx.listener.on(EVENTS_CHANNEL, (event) => {
      if (all.size === 0) return
      for (const listening of concernedBy(event as DomainEvent))
        track(endOnFailure(listening.stream, () => refresh(listening)))
    }),
    onSessionRevoked(ctx, (token) => {
      for (const { stream, sessionToken } of all.values())
        if (sessionToken === token) stream.end({ event: 'signed-out', data: '{}' })
    }),
    // A revoked session or a new block may have been missed, so everyone has to come in anew.
    ctx.listener.onGap(() => endAll()),
  ]
  const heartbeat = setInterval(() => {
    for (const { stream } of all.values()) stream.beat()
  }, heartbeatMs)

  function endAll(): void {
    for (const { stream } of all.values()) stream.end(gap(nextId()))
  }

  return {
    async add(subscriber) {
      const { stream, reader } = subscriber
      const listening: Listening = { ...subscriber, topics: new Set(), revision: 0 }
      all.set(stream, listening)
      if (reader) subscribe(listening, `account:${reader.id}`)
      await endOnFailure(stream, async () => {
        await refresh(listening)
        await tellCounts(listening)
        if (!reader || !stream.isOpen) return
        const unread = await countUnreadNotifications(ctx.db, reader.id)
        const update: Update = { kind: 'notification', notification: null, unread }
        stream.send({ id: nextId(), data: JSON.stringify(update) })
      })
    },
    remove(stream) {
      const listening = all.get(stream)
      if (!listening) return
      all.delete(stream)
      for (const topic of listening.topics) unsubscribe(listening, topic)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat)
      for (const stop of stops) stop()
      endAll()
    },
  }
}

/** Tells a browser that it may have missed something: it should read anew what it shows. */
export const gap = (id: string) => ({ id, event: 'gap', data: '{}' })
