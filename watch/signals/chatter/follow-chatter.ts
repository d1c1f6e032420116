/**
 * Counts mentions such as "X is down" on open networks. Counts only: no text, no author and no address of a post is kept.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChatterSample } from '../../../engines/detect/types.ts'
import { PrivateAddressError, type ResolveHost } from '../../../kit/network/guarded-lookup.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { listen, SILENCE_MS, type Listener, type Source } from './networks.ts'
import { matchWords } from './words.ts'

/** A sample says how many mentions there were in this time, on all sources together. */
export const SAMPLE_EVERY_MS = 10_000
const RECONNECT_MS = [1_000, 5_000, 15_000, 60_000]
const OPEN_TIMEOUT_MS = 15_000

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
  const { signal } = closing
  const connected = new Set<Source>()
  let count = 0
  let isWhole = false

  const following = sources.map((source) =>
    keepListening(ctx, entry.id, source, {
      connection: { signal, timeoutMs: OPEN_TIMEOUT_MS, allowPrivate, ...(resolve && { resolve }) },
      onOpen: () => connected.add(source),
      onText: (text) => {
        if (isMention(text)) count++
      },
      onEnd: () => {
        connected.delete(source)
        isWhole = false
      },
    }),
  )
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

/** Listens again after each end, sooner when it went well, until the connection's signal is aborted. */
async function keepListening(
  ctx: WatchCtx,
  serviceId: string,
  source: Source,
  listener: Listener & { readonly onEnd: () => void },
): Promise<void> {
  const { signal } = listener.connection
  for (let attempt = 0; !signal.aborted; attempt++) {
    const beganMs = ctx.clock.monotonicMs()
    try {
      await listen(source, listener)
    } catch (error) {
      if (!signal.aborted)
        ctx.log.warn(
          { err: withRemedy(error), service: serviceId, kind: source.kind },
          'chatter.disconnected',
        )
    }
    listener.onEnd()
    if (ctx.clock.monotonicMs() - beganMs > SILENCE_MS) attempt = 0
    const delayMs = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)]
    await sleep(delayMs, undefined, { signal }).catch(() => {})
  }
}

const withRemedy = (error: unknown): unknown =>
  error instanceof PrivateAddressError && !error.isNeverAllowed
    ? new Error(`${error.message} Set chatter.allowPrivate if it is meant.`, { cause: error })
    : error
