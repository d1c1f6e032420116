/** Where an edge gets from what it lacks: shields, each for its keys, then origins in their order; and how all of them fare. */
import { lookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EdgeDocument, EdgeSource } from '../../../contract/edge.ts'
import { pickNode, rankNodes } from '../core/pick-source.ts'
import { createSourceHealth } from '../core/source-health.ts'
import { addressOf } from '../nginx/render.ts'
import { askSource, type Question } from './ask.ts'

const PROBE_INTERVAL_MS = 1_000
const PROBE_TIMEOUT_MS = 1_500
/** For an answer's head while nobody has answered a probe: what hangs then keeps people waiting for nothing. */
const AWAY_TIMEOUT_MS = 1_500

/** A source said no. */
export class SourceStatusError extends Error {
  override readonly name = 'SourceStatusError'
  readonly status: number
  constructor(source: string, status: number) {
    super(`${source} answered ${status}.`)
    this.status = status
  }
}

/** There is nobody left to ask. */
export class NoSourceError extends Error {
  override readonly name = 'NoSourceError'
}

export interface Sources extends AsyncDisposable {
  /**
   * Asks the source whose turn it is for this key.
   *
   * @param attempt a second one goes to another source, if there is one.
   * @param isForEdge whether another edge asks: then no shield is asked again.
   * @throws {SourceStatusError} for any status but 200; @throws {NoSourceError}
   */
  ask(
    key: string,
    question: Question & { readonly attempt: number; readonly isForEdge: boolean },
  ): Promise<{ answer: IncomingMessage; source: EdgeSource }>
  /** What became of an answer's body. */
  note(source: EdgeSource, isGood: boolean): void
  list(): { name: string; isUp: boolean }[]
  /** `address:port/name` of the origins, the best first. */
  addresses(): Promise<string[]>
  readonly isFailingStatic: boolean
  readonly awaySinceMs: number | null
}

export interface SourcesOptions {
  readonly document: EdgeDocument
  readonly isStatic: boolean
  readonly isLoadBounded: boolean
  /** The order of the origins may have changed. */
  readonly onChange: () => void
}

/** Begins to probe at once. */
export function openSources({ document, isStatic, isLoadBounded, onChange }: SourcesOptions): Sources {
  const { origins, shields } = document
  const originHealth = createSourceHealth(namesOf(origins), isStatic)
  const shieldHealth = createSourceHealth(namesOf(shields), isStatic)
  const byName = new Map([...origins, ...shields].map((source) => [source.name, source]))
  const underWay = new Map<string, number>()

  function note(source: EdgeSource, isGood: boolean): void {
    const health = origins.includes(source) ? originHealth : shieldHealth
    const before = health.order().join()
    health.note(source.name, isGood, Date.now())
    if (health.order().join() !== before) onChange()
  }

  /** The sources of a key, the first to ask first. */
  function orderFor(key: string, isForEdge: boolean): EdgeSource[] {
    const names = originHealth.order()
    const up = shields.filter(({ name }) => shieldHealth.isUp(name)).map(({ name }) => name)
    if (!isForEdge && up.length > 0) {
      const load = (name: string) => underWay.get(name) ?? 0
      names.unshift(isLoadBounded ? pickNode(up, key, load) : rankNodes(up, key)[0]!)
    }
    return names.map((name) => byName.get(name)!)
  }

  const closing = new AbortController()
  const probing = Promise.all(
    [...origins, ...shields].map((source) => probe(source, origins.includes(source), note, closing.signal)),
  )
  return {
    async ask(key, { attempt, isForEdge, ...question }) {
      const order = orderFor(key, isForEdge)
      const source = order[attempt % Math.max(1, order.length)]
      if (!source) throw new NoSourceError('No source is left to be asked.')
      const isAway = originHealth.awaySinceMs !== null
      // Whoever answers nobody is not helped by being asked twice.
      if (isAway && attempt >= order.length) throw new NoSourceError('Every source has been asked.')
      underWay.set(source.name, (underWay.get(source.name) ?? 0) + 1)
      const done = () => underWay.set(source.name, underWay.get(source.name)! - 1)
      try {
        const answer = await askSource(source.url, {
          ...question,
          ...(isAway && { headTimeoutMs: AWAY_TIMEOUT_MS }),
          headers: { ...question.headers, 'cdn-loop': `upbeat-${document.name}` },
        })
        answer.once('close', done)
        const status = answer.statusCode!
        if (status >= 500) note(source, false)
        return { answer, source }
      } catch (error) {
        done()
        note(source, false)
        throw error
      }
    },
    note,
    list: () => [
      ...origins.map(({ name }) => ({ name, isUp: originHealth.isUp(name) })),
      ...shields.map(({ name }) => ({ name, isUp: shieldHealth.isUp(name) })),
    ],
    async addresses() {
      const urls = originHealth.order().map((name) => byName.get(name)!.url)
      const found = await Promise.all(urls.map(resolveAddress))
      return found.filter((address) => address !== null)
    },
    get isFailingStatic() {
      return originHealth.isFailingStatic
    },
    get awaySinceMs() {
      return originHealth.awaySinceMs
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await probing
    },
  }
}

const namesOf = (sources: readonly EdgeSource[]) => sources.map(({ name }) => name)

async function resolveAddress(url: string): Promise<string | null> {
  const [host, port] = addressOf(url).split(/:(?=\d+$)/) as [string, string]
  const found = await lookup(host, 4).catch(() => null)
  return found && `${found.address}:${port}/${new URL(url).hostname}`
}

async function probe(
  source: EdgeSource,
  isOrigin: boolean,
  note: (source: EdgeSource, isGood: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)])
    try {
      const answer = await askSource(source.url, {
        path: isOrigin ? '/api/v1/state' : '/-/edge/alive',
        signal: limit,
      })
      answer.resume()
      note(source, answer.statusCode! < 500)
    } catch {
      if (!signal.aborted) note(source, false)
    }
    await sleep(PROBE_INTERVAL_MS, undefined, { signal }).catch(() => {})
  }
}
