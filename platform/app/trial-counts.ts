/** What a process counts for the judge of a release: errors, refusals, latencies, empty feeds, playback that does not begin. */
import { bucketOf, noLatencies } from '../../engines/steward/rollout/index.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Counts since the process began; they only ever grow. */
export interface TrialCounts {
  readonly requests: number
  /** Answered 500 and above but for refusals in order (503), or cut off by our side before an answer. */
  readonly errors: number
  /** Answered 504, or after ten seconds. */
  readonly timeouts: number
  /** Refused in order: 503. */
  readonly shed: number
  /** By `LATENCY_BOUNDS_MS` of the judge. Of answers, not of refusals. */
  readonly latencyBuckets: readonly number[]
  readonly emptyFeeds: number
  readonly playbackStarts: number
  readonly playbackStartFailures: number
}

export interface TrialCounter {
  watch(server: Server): void
  noteFeed(isEmpty: boolean): void
  counts(): TrialCounts
}

const TIMEOUT_MS = 10_000

/** Begins to count. A request costs two clock readings and a search in 25 numbers. */
export function createTrialCounter(): TrialCounter {
  const sums = {
    requests: 0,
    errors: 0,
    timeouts: 0,
    shed: 0,
    emptyFeeds: 0,
    playbackStarts: 0,
    playbackStartFailures: 0,
  }
  const buckets = noLatencies()

  function note(request: IncomingMessage, response: ServerResponse, tookMs: number): void {
    // A stream lasts as long as its reader likes, and an upload as long as its bytes take.
    if (isLasting(request, response)) return
    const { statusCode: status } = response
    // Whoever leaves before the answer says nothing about it.
    if (!response.headersSent) return
    sums.requests += 1
    if (isPlaybackStart(request)) {
      sums.playbackStarts += 1
      if (status >= 400 && status !== 503) sums.playbackStartFailures += 1
    }
    if (status === 503) return void (sums.shed += 1)
    if (status >= 500) sums.errors += 1
    if (status === 504 || tookMs > TIMEOUT_MS) sums.timeouts += 1
    buckets[bucketOf(tookMs)]! += 1
  }

  return {
    watch(server) {
      server.prependListener('request', (request, response) => {
        const beganMs = performance.now()
        response.once('close', () => note(request, response, performance.now() - beganMs))
      })
    },
    noteFeed(isEmpty) {
      if (isEmpty) sums.emptyFeeds += 1
    },
    counts: () => ({ ...sums, latencyBuckets: [...buckets] }),
  }
}

const isPlaybackStart = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'GET' && url.startsWith('/media/') && url.split('?', 1)[0]!.endsWith('/master.m3u8')

const isLasting = ({ method, url = '' }: IncomingMessage, response: ServerResponse): boolean =>
  String(response.getHeader('content-type')).startsWith('text/event-stream') ||
  (method !== 'GET' && url.startsWith('/api/v1/uploads'))
