/**
 * The open streams of this process: who hears which topics, told from NOTIFY, kept true when visibility, blocks or
 * sessions change.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Update } from '../../../contract/updates.ts'
import type { SseStream } from '../../../kit/http/sse.ts'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { LIVE_CHANNEL, type LiveMessage } from '../../app/live.ts'
import { onSessionRevoked } from '../accounts/index.ts'
import { countUnreadNotifications } from '../notifications/index.ts'
import { loadCounts, visibleVideoIds } from '../videos/index.ts'
import { createAudience, type Audience, type Listening, type Subscriber } from './audience.ts'
import { createLatestOnly, loadPayload, type LoadReceipt } from './payloads.ts'

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
  const audience = createAudience()
  const epoch = ctx.randomBytes(6).toString('base64url')
  let lastNumber = 0
  const hub: Hub = { ctx, audience, refreshing: new Set(), nextId: () => `${epoch}-${++lastNumber}` }
  const stops = listen(hub, loadReceipt)
  const heartbeat = setInterval(() => {
    for (const { stream } of audience.everyone()) stream.beat()
  }, heartbeatMs)
  return {
    add: (subscriber) => addTo(hub, subscriber),
    remove: (stream) => audience.remove(stream),
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat)
      for (const stop of stops) stop()
      endAll(hub)
    },
  }
}

/** What the parts of a hub share. */
interface Hub {
  readonly ctx: Ctx
  readonly audience: Audience
  /** Readings under way of who may hear what. */
  readonly refreshing: Set<Promise<void>>
  nextId(): string
}

/** Hears what the other processes, and this one, have done. @returns what stops it. */
function listen(hub: Hub, loadReceipt: LoadReceipt): readonly (() => void)[] {
  const { ctx, audience } = hub
  const tell = createLatestOnly((message) => tellAudience(hub, loadReceipt, message))
  return [
    ctx.listener.on(LIVE_CHANNEL, (message) => {
      const live = message as LiveMessage
      if (audience.of(live.topic).size > 0) void tell(live)
    }),
    ctx.listener.on(EVENTS_CHANNEL, (event) => {
      for (const listening of concernedBy(audience, event as DomainEvent))
        track(
          hub,
          endOnFailure(hub, listening.stream, () => refresh(hub, listening)),
        )
    }),
    onSessionRevoked(ctx, (token) => {
      for (const { stream, sessionToken } of audience.everyone())
        if (sessionToken === token) stream.end({ event: 'signed-out', data: '{}' })
    }),
    // A revoked session or a new block may have been missed, so everyone has to come in anew.
    ctx.listener.onGap(() => endAll(hub)),
  ]
}

async function tellAudience(hub: Hub, loadReceipt: LoadReceipt, message: LiveMessage): Promise<void> {
  const { ctx, audience, refreshing } = hub
  try {
    const payload = await loadPayload(ctx, loadReceipt, message)
    if (!payload) return
    // What hides a video came before what must not be heard of it: messages keep the order of their commits.
    await Promise.all(refreshing)
    const id = hub.nextId()
    for (const { reader, stream } of audience.of(message.topic))
      if (!reader || !payload.hiddenFrom.has(reader.id)) stream.send({ id, data: payload.textFor(reader) })
  } catch (error) {
    ctx.log.warn({ err: error, topic: message.topic }, 'updates.load-failed')
  }
}

async function addTo(hub: Hub, subscriber: Subscriber): Promise<void> {
  const { stream, reader } = subscriber
  const listening = hub.audience.add(subscriber)
  await endOnFailure(hub, stream, async () => {
    await refresh(hub, listening)
    await tellCounts(hub, listening)
    if (!reader || !stream.isOpen) return
    const unread = await countUnreadNotifications(hub.ctx.db, reader.id)
    const update: Update = { kind: 'notification', notification: null, unread }
    stream.send({ id: hub.nextId(), data: JSON.stringify(update) })
  })
}

/** Reads anew which of its videos the subscriber may hear of. */
async function refresh({ ctx, audience }: Hub, listening: Listening): Promise<void> {
  const { reader, videoIds } = listening
  const revision = ++listening.revision
  const visible = await visibleVideoIds(ctx.db, reader?.id ?? null, videoIds)
  if (revision !== listening.revision || !audience.has(listening)) return
  for (const id of videoIds)
    if (visible.includes(id)) audience.subscribe(listening, `video:${id}`)
    else audience.unsubscribe(listening, `video:${id}`)
}

/**
 * Begins with the counts as they are: what changed after the page was read and before its stream was open would
 * otherwise stay wrong on it until the next change.
 */
async function tellCounts(hub: Hub, { stream, topics, videoIds }: Listening): Promise<void> {
  const heard = videoIds.filter((id) => topics.has(`video:${id}`))
  for (const [videoId, counts] of await loadCounts(hub.ctx.db, heard)) {
    const update: Update = { kind: 'counts', videoId, counts }
    stream.send({ id: hub.nextId(), data: JSON.stringify(update) })
  }
}

function track({ refreshing }: Hub, work: Promise<void>): void {
  refreshing.add(work)
  void work.then(() => refreshing.delete(work))
}

/** What can't be read ends the stream: the browser comes back, and is answered then. */
async function endOnFailure(hub: Hub, stream: SseStream, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    hub.ctx.log.warn({ err: error }, 'updates.failed')
    stream.end(gap(hub.nextId()))
  }
}

function endAll(hub: Hub): void {
  for (const { stream } of hub.audience.everyone()) stream.end(gap(hub.nextId()))
}

/** Whose hearing an event may change. */
function concernedBy(audience: Audience, event: DomainEvent): Listening[] {
  switch (event.kind) {
    case 'video-changed':
    case 'video-deleted':
    case 'published':
      return [...audience.everyone()].filter((listening) => listening.videoIds.includes(event.videoId))
    case 'unfollowed':
    case 'followed':
    case 'blocked':
    case 'unblocked':
      return [event.accountId, event.subjectId].flatMap((id) => [...audience.of(`account:${id}`)])
    default:
      return []
  }
}

/** Tells a browser that it may have missed something: it should read anew what it shows. */
export const gap = (id: string) => ({ id, event: 'gap', data: '{}' })
