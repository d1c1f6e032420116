/**
 * What an edge's document goes through: read → tried → in force → judged → the last good one. Whatever does harm is taken
 * back, and its input is never tried again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyObject } from 'node:crypto'
import type { Log } from '../../../kit/log.ts'
import type { Agent } from '../agent/agent.ts'
import type { EdgeConfig, EdgePaths } from '../config.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { type Counts, type Nginx, NginxRefusedError } from '../nginx/nginx.ts'
import { renderNginx } from '../nginx/render.ts'
import { findHarm, type Second } from './judge-counts.ts'
import { openLastGood, type LastGood } from './last-good.ts'
import { DocumentRefusedError, hashInput, readDocument, type ReadDocument } from './read-document.ts'
import { placeOf, tryDocument } from './trial.ts'

const SECOND_MS = 1_000

export interface InForce {
  readonly read: ReadDocument
  readonly agent: Agent
}

export interface Releases extends AsyncDisposable {
  readonly inForce: InForce | null
  /** Resolves once there is one. */
  readonly firstInForce: Promise<void>
  readonly lastGood: LastGood
  /** Takes an input as far as it gets. Inputs are taken one after the other. */
  consider(text: string): Promise<void>
  /** With nothing else to be had: what was last good, as it lies on disk. */
  reinstate(): Promise<void>
  /** Starts nginx with what is in force. */
  startAgain(): Promise<void>
}

export interface ReleasesOptions {
  readonly config: EdgeConfig
  readonly paths: EdgePaths
  readonly mirror: Mirror
  readonly nginx: Nginx
  readonly signers: readonly KeyObject[] | null
  readonly log: Log
  readonly openAgent: (read: ReadDocument) => Agent
  readonly signal: AbortSignal
}

/** Opens the folder of releases. */
export async function openReleases(options: ReleasesOptions): Promise<Releases> {
  const { config, paths, nginx, signers, log, signal } = options
  const lastGood = await openLastGood(paths.releases)
  const isGuarded = !config.protectionsOff.has('document-guard')
  const counting = countSeconds(nginx)
  let inForce: InForce | null = null
  const first = Promise.withResolvers<void>()

  async function putInForce(read: ReadDocument, agent: Agent): Promise<void> {
    await nginx.apply(renderNginx(read.document, placeOf(config, paths)))
    const before = inForce
    inForce = { read, agent }
    first.resolve()
    await nginx.tellOrder(await agent.sources.addresses())
    await before?.agent[Symbol.asyncDispose]()
    log.info({ hash: read.hash, generation: read.document.generation }, 'edge.document-in-force')
  }

  async function refuse(hash: string, reason: string): Promise<void> {
    log.error({ hash, reason }, 'edge.document-refused')
    await lastGood.quarantine(hash, reason, new Date())
  }

  /** Watches what is in force; takes it back to `before` when it does harm. */
  async function judge(read: ReadDocument, before: InForce | null, was: readonly Second[]): Promise<void> {
    const since: Second[] = []
    for (let second = 0; second < config.judgeS; second++) {
      await sleep(SECOND_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const counted = await counting.next()
      if (counted) since.push(counted)
      const harm = (await nginx.pid()) === null ? 'nginx has ended' : findHarm(was, since)
      if (harm === null || before === null) continue
      await putInForce(before.read, options.openAgent(before.read))
      return refuse(read.hash, `taken back after ${second + 1} s: ${harm}`)
    }
    await lastGood.keep(read.text)
  }

  async function take(text: string): Promise<void> {
    const read = readDocument(text, signers)
    const before = inForce
    if (before && read.document.generation < before.read.document.generation)
      throw new DocumentRefusedError(
        `Its generation is ${read.document.generation}, and ${before.read.document.generation} is in force.`,
      )
    const agent = options.openAgent(read)
    try {
      if (isGuarded)
        await tryDocument({
          ...options,
          ...{ document: read.document, agent },
          isOriginExpected: before !== null && before.agent.sources.awaySinceMs === null,
        })
      const was = counting.recent()
      await putInForce(read, agent)
      if (isGuarded) await judge(read, before, was)
      else await lastGood.keep(read.text)
    } catch (error) {
      if (inForce?.agent !== agent) await agent[Symbol.asyncDispose]()
      throw error
    }
  }

  let last: Promise<void> = Promise.resolve()
  return {
    get inForce() {
      return inForce
    },
    firstInForce: first.promise,
    lastGood,
    async startAgain() {
      if (!inForce) return
      await nginx.apply(renderNginx(inForce.read.document, placeOf(config, paths)))
      await nginx.tellOrder(await inForce.agent.sources.addresses())
    },
    consider(text) {
      last = last.then(async () => {
        const hash = hashInput(text)
        if (inForce?.read.hash === hash) return
        if (isGuarded && lastGood.isQuarantined(hash)) return
        try {
          await take(text)
        } catch (error) {
          if (!(error instanceof DocumentRefusedError || error instanceof NginxRefusedError)) throw error
          await refuse(hash, error.message)
        }
      })
      return last
    },
    async reinstate() {
      const text = await lastGood.read()
      if (text === null) return
      const read = readDocument(text, signers)
      await putInForce(read, options.openAgent(read))
    },
    async [Symbol.asyncDispose]() {
      await last.catch(() => {})
      await counting[Symbol.asyncDispose]()
      await inForce?.agent[Symbol.asyncDispose]()
    },
  }
}

const RECENT_SECONDS = 30

/** What happened in each second, from counts that begin anew with each start of nginx. */
function countSeconds(nginx: Nginx) {
  let last: Counts | null = null
  const seconds: Second[] = []
  async function next(): Promise<Second | null> {
    const counts = await nginx.counts()
    const since =
      counts && last && counts.requests >= last.requests
        ? { requests: counts.requests - last.requests, errors: counts.errors - last.errors }
        : null
    last = counts
    if (since) seconds.push(since)
    if (seconds.length > RECENT_SECONDS) seconds.shift()
    return since
  }
  const timer = setInterval(() => void next(), SECOND_MS)
  return {
    next,
    recent: (): readonly Second[] => [...seconds],
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
    },
  }
}
