/** Follows what a service says of itself. */
import { isDeepStrictEqual } from 'node:util'
import type { WordSample } from '../../../engines/detect/types.ts'
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import {
  heedAnnouncement,
  wordStatement,
  type Announcement,
  type DeclaredView,
} from '../../incidents/index.ts'
import {
  readFeed,
  readRestoration,
  readState,
  readStatuspage,
  type StateWord,
  type Word,
} from './read-word.ts'

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
      const text = await fetchText(word, word.url, signal)
      const atMs = ctx.clock.now().getTime()
      const { words, announcement, declared } = read(word.kind, text, word.features, atMs)
      const samples = words.map((said) => ({ kind: 'word' as const, serviceId: entry.id, atMs, ...said }))
      await ctx.store.write(samples.map((sample) => wordStatement(ctx, sample)))
      for (const sample of samples) observe(sample)
      if (declared) await declare(ctx, entry, { ...declared, readAtMs: atMs }, signal)
      if (announcement !== undefined) await heedAnnouncement(ctx, entry.id, announcement)
    },
    onError: (error) => ctx.log.warn({ err: error, service: entry.id }, 'word.not-read'),
  })
}

type FollowedWord = NonNullable<ServiceEntry['word']>

/** @throws when it can't be had whole */
async function fetchText(word: FollowedWord, url: string, signal: AbortSignal): Promise<string> {
  const answer = await sendGuarded({
    url,
    timeoutMs: TIMEOUT_MS,
    maxBodyBytes: FEED_MAX_BYTES,
    maxRedirects: 3,
    allowPrivate: word.allowPrivate,
    signal,
  })
  if (answer.status !== 200 || answer.isBodyCut) throw new Error(`${url} answers ${answer.status}`)
  return answer.body.toString('utf8')
}

/** Takes what the service declares, with its way back as far as it tells that. */
async function declare(
  ctx: WatchCtx,
  { id, word }: ServiceEntry,
  declared: Omit<DeclaredView, 'restoration'>,
  signal: AbortSignal,
): Promise<void> {
  const before = ctx.live.declared(id, declared.readAtMs)
  const text = await fetchText(word!, `${word!.url}/restoration`, signal).catch(() => null)
  const restoration = text === null ? (before?.restoration ?? []) : readRestoration(text)
  ctx.live.declare(id, { ...declared, restoration })
  if (
    !isDeepStrictEqual(before && { ...before, readAtMs: 0, restoration: [] }, {
      ...declared,
      readAtMs: 0,
      restoration: [],
    })
  )
    ctx.live.tell({ kind: 'status', serviceId: id })
}

/** `announcement` undefined: this kind of feed tells none. */
function read(
  kind: NonNullable<ServiceEntry['word']>['kind'],
  text: string,
  features: Readonly<Record<string, string>>,
  nowMs: number,
): { words: Word[]; announcement?: Announcement | null; declared?: StateWord['declared'] } {
  switch (kind) {
    case 'upbeat':
      return readState(text, features)
    case 'statuspage':
      return { words: readStatuspage(text, features) }
    case 'rss':
      return { words: readFeed(text, nowMs) }
  }
}
