/** What is said on open networks, as it is said: Bluesky's Jetstream and Mastodon's streaming API, each in its own tongue. */
import { openStream, openWebSocket, type GuardedStream } from '../../../kit/network/guarded-stream.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { readSse } from './read-sse.ts'
import { readWebSocket } from './read-web-socket.ts'

export type Source = ServiceEntry['chatter']['sources'][number]

export interface Listener {
  readonly connection: Omit<GuardedStream, 'url' | 'headers'>
  readonly onOpen: () => void
  /** The text of a post that was just made; nothing else of it. */
  readonly onText: (text: string) => void
}

/** Silence for so long is a dead connection: both networks speak all the time. */
export const SILENCE_MS = 60_000
/** A status has 500 characters on most servers; its markup some times that. */
const CONTENT_MAX_LENGTH = 50_000

/** Listens to a source. Ends by throwing only: why it was cut off. */
export const listen = (source: Source, listener: Listener): Promise<never> =>
  source.kind === 'jetstream' ? listenJetstream(source, listener) : listenMastodon(source, listener)

/** Both of Jetstream's protocols: v1 names collections in the query, v2 calls them otherwise; posts look the same. */
async function listenJetstream(
  source: Extract<Source, { kind: 'jetstream' }>,
  { connection, onOpen, onText }: Listener,
): Promise<never> {
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
): Promise<never> {
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
