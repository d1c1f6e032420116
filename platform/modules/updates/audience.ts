/** Who listens in this process, and to which topics. */
import type { SseStream } from '../../../kit/http/sse.ts'
import type { LiveTopic } from '../../app/live.ts'
import type { Reader } from '../comments/index.ts'

export interface Subscriber {
  readonly stream: SseStream
  readonly reader: Reader | null
  /** Null when signed out. */
  readonly sessionToken: string | null
  readonly videoIds: readonly string[]
}

/** A subscriber with what is known of it here. */
export interface Listening extends Subscriber {
  readonly topics: Set<LiveTopic>
  /** Grows with each reading of what may be heard: an older reading that ends later is dropped. */
  revision: number
}

export interface Audience {
  everyone(): Iterable<Listening>
  /** Those who hear the topic. */
  of(topic: LiveTopic): ReadonlySet<Listening>
  /** Takes the subscriber in: it hears its account from now on. */
  add(subscriber: Subscriber): Listening
  has(listening: Listening): boolean
  remove(stream: SseStream): void
  subscribe(listening: Listening, topic: LiveTopic): void
  unsubscribe(listening: Listening, topic: LiveTopic): void
}

const NOBODY: ReadonlySet<Listening> = new Set()

export function createAudience(): Audience {
  const all = new Map<SseStream, Listening>()
  const byTopic = new Map<LiveTopic, Set<Listening>>()

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

  return {
    everyone: () => all.values(),
    of: (topic) => byTopic.get(topic) ?? NOBODY,
    add(subscriber) {
      const listening: Listening = { ...subscriber, topics: new Set(), revision: 0 }
      all.set(subscriber.stream, listening)
      if (subscriber.reader) subscribe(listening, `account:${subscriber.reader.id}`)
      return listening
    },
    has: ({ stream }) => all.has(stream),
    remove(stream) {
      const listening = all.get(stream)
      if (!listening) return
      all.delete(stream)
      for (const topic of listening.topics) unsubscribe(listening, topic)
    },
    subscribe,
    unsubscribe,
  }
}
