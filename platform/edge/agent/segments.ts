/** What happens when nginx does not find a segment: it is fetched once, checked, kept, and named. */
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCoalescer } from '../core/coalesce.ts'
import type { Mirror, Scope } from '../mirror/mirror.ts'
import { readReprDigest } from './ask.ts'
import { SourceStatusError, type Sources } from './sources.ts'

export interface SegmentAsked {
  readonly scope: Scope
  /** `/media/VIDEO/g1/v540/0.m4s`, without a token. */
  readonly path: string
  /** As it was asked for. */
  readonly requestPath: string
  readonly host: string
  readonly isForEdge: boolean
}

export interface SegmentFound {
  readonly sha256: string
  readonly extension: string
  /** As RFC 9211 says it. */
  readonly cacheStatus: string
}

/** It has no digest that it could be held against: it may be passed on, and is not kept. */
export class NoDigestError extends Error {
  override readonly name = 'NoDigestError'
}

/** It was purged while it was fetched. */
class PurgedMeanwhileError extends Error {
  override readonly name = 'PurgedMeanwhileError'
}

export interface Segments {
  /** @throws {SourceStatusError} @throws {NoDigestError} @throws {FetchTimeoutError} */
  find(asked: SegmentAsked, isDoubted: boolean): Promise<SegmentFound>
}

export interface SegmentsOptions {
  readonly mirror: Mirror
  readonly sources: Sources
  readonly fetchTimeoutMs: number
  readonly areDigestsOn: boolean
  readonly isCoalescing: boolean
  /** A stored object did not have its hash any more. */
  readonly onRot: (sha256: string) => void
}

const FAILURE_KEPT_MS = 1_500
/** Who doubts an object has it read again no sooner than this after the last time. */
const LOOK_AGAIN_MS = 5_000
const LOOKED_MAX = 10_000

/** Opens the way of what is missing. */
export function openSegments(options: SegmentsOptions): Segments {
  const { mirror, sources, areDigestsOn } = options
  const fetching = createCoalescer<SegmentAsked, SegmentFound>({
    nowMs: () => performance.now(),
    pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    random: Math.random,
    timeoutMs: options.fetchTimeoutMs,
    failureKeptMs: FAILURE_KEPT_MS,
    isOn: options.isCoalescing,
    fetchOnce: async (asked, work) => {
      const { purgeCount } = mirror
      const found = await fetchSegment(asked, work)
      if (mirror.purgeCount !== purgeCount)
        throw new PurgedMeanwhileError('It was purged while it was fetched.')
      await mirror.name(asked.scope, asked.path, found.sha256)
      return found
    },
  })
  const looked = new Map<string, number>()

  function isDue(sha256: string): boolean {
    const nowMs = performance.now()
    if ((looked.get(sha256) ?? -Infinity) > nowMs - LOOK_AGAIN_MS) return false
    looked.delete(sha256)
    looked.set(sha256, nowMs)
    if (looked.size > LOOKED_MAX) looked.delete(looked.keys().next().value!)
    return true
  }

  return {
    async find(asked, isDoubted) {
      const extension = extname(asked.path)
      const sha256 = await mirror.hashOf(asked.scope, asked.path)
      const object = sha256 && (await mirror.find(sha256, asked.path))
      if (object) {
        const isRotten =
          isDoubted &&
          areDigestsOn &&
          isDue(sha256) &&
          !(await mirror.isSound({ path: object.objectPath, sha256 }))
        if (!isRotten) return { sha256, extension, cacheStatus: 'hit' }
        await mirror.drop(sha256, extension)
        options.onRot(sha256)
      }
      const find = () => fetching.get(`${asked.scope}${asked.path}`, asked)
      return find().catch((error: unknown) => {
        if (error instanceof PurgedMeanwhileError) return find()
        throw error
      })
    },
  }

  async function fetchSegment(
    { requestPath, path, host, isForEdge }: SegmentAsked,
    work: { readonly attempt: number; readonly signal: AbortSignal; touch(): void; arrived(): void },
  ): Promise<SegmentFound> {
    const { answer, source } = await sources.ask(path, {
      ...{ path: requestPath, attempt: work.attempt, isForEdge, signal: work.signal },
      headers: { host, 'want-repr-digest': 'sha-256=10', 'accept-encoding': 'identity' },
    })
    work.touch()
    const extension = extname(path)
    const found = (sha256: string) => ({ sha256, extension, cacheStatus: 'fwd=miss; stored' })
    try {
      if (answer.statusCode !== 200) throw new SourceStatusError(source.name, answer.statusCode!)
      const digest = areDigestsOn ? readReprDigest(answer.headers['repr-digest']) : null
      if (areDigestsOn && digest === null)
        throw new NoDigestError(`${source.name} stated no SHA-256 of ${path}.`)
      if (digest !== null && (await mirror.find(digest, path))) return found(digest)
      const kept = await mirror.keep(path, withTouch(answer, work), digest)
      sources.note(source, true)
      return found(kept)
    } catch (error) {
      // Whoever says no is well; whoever brings half of it, or something else, is not.
      if (!(error instanceof SourceStatusError || error instanceof NoDigestError)) sources.note(source, false)
      throw error
    } finally {
      answer.destroy()
    }
  }
}

async function* withTouch(
  source: AsyncIterable<Uint8Array>,
  { touch, arrived }: { touch(): void; arrived(): void },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    touch()
    yield chunk
  }
  arrived()
}
