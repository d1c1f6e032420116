/**
 * Counts mentions such as "X is down" on open networks: Bluesky's Jetstream and Mastodon's streaming API. Counts only: no
 * text, no author and no address of a post is kept.
 */
import type { ChatterSample } from '../../../engines/detect/types.ts'
import { PrivateAddressError, type ResolveHost } from '../../../kit/guarded-lookup.ts'
import { openStream, openWebSocket, type GuardedStream } from '../../../kit/guarded-stream.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { matchWords } from './words.ts'
import { readSse } from './read-sse.ts'
import { readWebSocket } from './read-web-socket.ts'
import { setTimeout as sleep } from 'node:timers/promises'

type Source = ServiceEntry['chatter']['sources'][number]

/** A sample says how many mentions there were in this time, on all sources together. */
export const SAMPLE_EVERY_MS = 10_000
const RECONNECT_MS = [1_000, 5_000, 15_000, 60_000]
/** Silence for so long is a dead connection: both networks speak all the time. */
const SILENCE_MS = 60_000
const OPEN_TIMEOUT_MS = 15_000
/** A status has 500 characters on most servers; its markup some times that. */
const CONTENT_MAX_LENGTH = 50_000

export interface ChatterOptions {
  /** @default 10000 */
  readonly sampleEveryMs?: number
  /** How a host becomes addresses. @default resolveHost */
  readonly resolve?: ResolveHost
}

/** Follows all sources of a service until it is disposed. While none is connected nothing is said: unknown is not 0. */
export function followChatter(
  ctx: WatchCtx,
  entry: ServiceEntry,
  observe: (sample: ChatterSample) => void,
  { sampleEveryMs = SAMPLE_EVERY_MS, resolve }: ChatterOptions = {},
): AsyncDisposable {
  const { words, sources, allowPrivate } = entry.chatter
  if (words.length === 0 || sources.length === 0) return { [Symbol.asyncDispose]: async () => {} }
  const isMention = matchWords(words)
  const closing = new AbortController()
  const connected = new Set<Source>()
  let count = 0
  let isWhole = false

  const follow = async (source: Source): Promise<void> => {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const beganMs = ctx.clock.monotonicMs()
      try {
        const listener: Listener = {
          connection: {
            signal: closing.signal,
            timeoutMs: OPEN_TIMEOUT_MS,
            allowPrivate,
            ...(resolve && { resolve }),
          },
          onOpen: () => connected.add(source),
          onText: (text) => {
            if (isMention(text)) count++
          },
        }
        await (source.kind === 'jetstream'
          ? listenJetstream(source, listener)
          : listenMastodon(source, listener))
      } catch (error) {
        if (!closing.signal.aborted)
          ctx.log.warn(
            { err: withRemedy(error), service: entry.id, kind: source.kind },
            'chatter.disconnected',
          )
      }
      connected.delete(source)
      isWhole = false
      if (ctx.clock.monotonicMs() - beganMs > SILENCE_MS) attempt = 0
      const delayMs = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)]
      await sleep(delayMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  const following = sources.map(follow)
  const timer = setInterval(() => {
    // An interval in which a source was missing would look like silence.
    if (isWhole)
      observe({
        kind: 'chatter',
        serviceId: entry.id,
        atMs: ctx.clock.now().getTime(),
        intervalMs: sampleEveryMs,
        count,
      })
    count = 0
    isWhole = connected.size === sources.length
  }, sampleEveryMs)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      await Promise.all(following)
    },
  }
}

const withRemedy = (error: unknown): unknown =>
  error instanceof PrivateAddressError
    ? new Error(`${error.message} Set chatter.allowPrivate if it is meant.`, { cause: error })
    : error

interface Listener {
  readonly connection: Omit<GuardedStream, 'url' | 'headers'>
  readonly onOpen: () => void
  readonly onText: (text: string) => void
}

/** Both of Jetstream's protocols: v1 names collections in the query, v2 calls them otherwise; posts look the same. */
async function listenJetstream(
  source: Extract<Source, { kind: 'jetstream' }>,
  { connection, onOpen, onText }: Listener,
): Promise<void> {
  const url = new URL(source.url)
  url.searchParams.set(source.protocol === 'v1' ? 'wantedCollections' : 'collections', 'app.bsky.feed.post')
  const socket = await openWebSocket({ ...connection, url })
  onOpen()
  const onSilence = () => socket.destroy(new Error('It fell silent.'))
  for await (const message of readWebSocket(socket, { silenceMs: SILENCE_MS, onSilence })) {
    const text = postText(message)
    if (text !== null) onText(text)
  }
  throw new Error('The connection was closed.')
}

/** The text of a post that was just made; null: something else happened. */
function postText(message: string): string | null {
  try {
    const { commit, kind } = JSON.parse(message) as {
      kind?: unknown
      commit?: { operation?: unknown; record?: { text?: unknown } }
    }
    if (kind !== undefined && kind !== 'commit') return null
    if (commit?.operation !== 'create' || typeof commit.record?.text !== 'string') return null
    return commit.record.text
  } catch {
    return null
  }
}

/** Mastodon's streams are server-sent events: `update` carries a status, whose text is HTML. */
async function listenMastodon(
  source: Extract<Source, { kind: 'mastodon' }>,
  { connection, onOpen, onText }: Listener,
): Promise<void> {
  const path = source.hashtag === null ? '/api/v1/streaming/public' : '/api/v1/streaming/hashtag'
  const url = new URL(path, source.url)
  if (source.hashtag !== null) url.searchParams.set('tag', source.hashtag)
  const answer = await openStream({
    ...connection,
    url,
    headers: {
      accept: 'text/event-stream',
      ...(source.token !== null && { authorization: `Bearer ${source.token}` }),
    },
  })
  if (answer.statusCode !== 200) {
    answer.destroy()
    throw new Error(`It answers ${answer.statusCode}.`)
  }
  onOpen()
  const onSilence = () => answer.destroy(new Error('It fell silent.'))
  for await (const { event, data } of readSse(answer, { silenceMs: SILENCE_MS, onSilence })) {
    if (event !== 'update') continue
    const text = statusText(data)
    if (text !== null) onText(text)
  }
  throw new Error('The connection was closed.')
}

function statusText(data: string): string | null {
  try {
    const { content, reblog } = JSON.parse(data) as { content?: unknown; reblog?: unknown }
    // A boost is somebody else's words again.
    if (reblog != null || typeof content !== 'string') return null
    return content
      .slice(0, CONTENT_MAX_LENGTH)
      .replace(/<[^<>]*>/g, ' ')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')
  } catch {
    return null
  }
}
