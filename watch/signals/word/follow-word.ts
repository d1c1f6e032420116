/** Follows what a service says of itself. */
import type { WordSample } from '../../../engines/detect/types.ts'
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { heedAnnouncement, wordStatement, type Announcement } from '../../incidents/index.ts'
import { readFeed, readState, readStatuspage, type Word } from './read-word.ts'

const FEED_MAX_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 15_000

/** Reads the feed again and again. What can't be read sends nothing, and is no "all is well". */
export function followWord(
  ctx: WatchCtx,
  entry: ServiceEntry,
  observe: (sample: WordSample) => void,
): AsyncDisposable {
  const { word } = entry
  if (!word) return { [Symbol.asyncDispose]: async () => {} }
  return startRepeating({
    intervalMs: word.everyS * 1_000,
    work: async (signal) => {
      const answer = await sendGuarded({
        url: word.url,
        timeoutMs: TIMEOUT_MS,
        maxBodyBytes: FEED_MAX_BYTES,
        maxRedirects: 3,
        allowPrivate: word.allowPrivate,
        signal,
      })
      if (answer.status !== 200 || answer.isBodyCut) throw new Error(`${word.url} answers ${answer.status}`)
      const text = answer.body.toString('utf8')
      const atMs = ctx.clock.now().getTime()
      const { words, announcement } = read(word.kind, text, word.features, atMs)
      const samples = words.map((said) => ({ kind: 'word' as const, serviceId: entry.id, atMs, ...said }))
      await ctx.store.write(samples.map((sample) => wordStatement(ctx, sample)))
      for (const sample of samples) observe(sample)
      if (announcement !== undefined) await heedAnnouncement(ctx, entry.id, announcement)
    },
    onError: (error) => ctx.log.warn({ err: error, service: entry.id }, 'word.not-read'),
  })
}

/** `announcement` undefined: this kind of feed tells none. */
function read(
  kind: NonNullable<ServiceEntry['word']>['kind'],
  text: string,
  features: Readonly<Record<string, string>>,
  nowMs: number,
): { words: Word[]; announcement?: Announcement | null } {
  switch (kind) {
    case 'upbeat':
      return readState(text, features)
    case 'statuspage':
      return { words: readStatuspage(text, features) }
    case 'rss':
      return { words: readFeed(text, nowMs) }
  }
}
