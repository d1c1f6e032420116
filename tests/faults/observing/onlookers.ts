/** Strangers who look again and again for what they must not see. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedPage } from '../../../contract/videos.ts'
import type { Audience } from './audience.ts'

const EVERY_MS = 200
const PATIENCE_MS = 3_000

export interface Onlookers {
  /** From now on nobody but its author may see this. */
  hide(videoId: string): void
  /** It may be seen again. */
  show(videoId: string): void
  /** What was seen that must not be; it grows. */
  readonly leaks: readonly string[]
  readonly looks: number
  stop(): Promise<void>
}

/** A stranger who is signed in, and one who is not, look at the feed, at the card and at the playlist. */
export function startOnlookers(url: string, audience: Audience): Onlookers {
  const hidden = new Map<string, number>([[audience.privateId, 0]])
  const leaks: string[] = []
  let [looks, isEnding] = [0, false]
  const stranger = audience.feeds[0]!.headers
  const masterOf = (id: string) =>
    audience.media.find(({ path }) => path.includes(id))?.path ??
    audience.media[0]!.path.replace(audience.videoIds[0]!, id)

  async function look(path: string, headers: Readonly<Record<string, string>> | undefined): Promise<void> {
    const sentMs = performance.now()
    const response = await fetch(url + path, {
      ...(headers && { headers }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => null)
    looks++
    const body = (await response?.text().catch(() => '')) ?? ''
    if (!response?.ok) return
    const shown = path.includes('/feed/')
      ? (JSON.parse(body) as FeedPage).items.map(({ id }) => id)
      : [...hidden.keys()].filter((id) => path.includes(id))
    for (const id of shown)
      // Who asked before it was hidden may still be told of it.
      if (sentMs >= (hidden.get(id) ?? Infinity))
        leaks.push(
          `${path.split('?')[0]}${headers ? ', signed in' : ''} at level ${response.headers.get('upbeat-level')}`,
        )
  }

  const running = (async () => {
    while (!isEnding) {
      for (const headers of [stranger, undefined]) {
        const ids = [...hidden.keys()]
        await Promise.all([
          look('/api/v1/feed/for-you?limit=20', headers),
          ...ids.map((id) => look(`/api/v1/videos/${id}`, headers)),
        ])
      }
      await Promise.all([...hidden.keys()].map((id) => look(masterOf(id), undefined)))
      await sleep(EVERY_MS)
    }
  })()
  return {
    hide: (videoId) => void hidden.set(videoId, performance.now()),
    show: (videoId) => void hidden.delete(videoId),
    leaks,
    get looks() {
      return looks
    },
    async stop() {
      isEnding = true
      await running
    },
  }
}
