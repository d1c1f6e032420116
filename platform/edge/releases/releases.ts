/**
 * What an edge's document goes through: read → tried → in force → judged → the last good one. Whatever does harm is taken
 * back, and its input is never tried again.
 */
import type { KeyObject } from 'node:crypto'
import type { Log } from '../../../kit/log.ts'
import type { Agent } from '../agent/agent.ts'
import type { EdgeConfig, EdgePaths } from '../config.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { type Nginx, NginxRefusedError } from '../nginx/nginx.ts'
import { renderNginx } from '../nginx/render.ts'
import { openLastGood, type LastGood } from './last-good.ts'
import { openPurges } from './purges.ts'
import { DocumentRefusedError, hashInput, readDocument, type ReadDocument } from './read-document.ts'
import { countSeconds } from './seconds.ts'
import { placeOf } from './shadow.ts'
import { tryOut } from './trial.ts'

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
  const { config, paths, nginx, mirror, signers, log } = options
  const lastGood = await openLastGood(paths.releases)
  const purges = await openPurges(paths.releases)
  const isGuarded = !config.protectionsOff.has('document-guard')
  const counting = countSeconds(nginx)
  let inForce: InForce | null = null
  const first = Promise.withResolvers<void>()

  const configurationOf = ({ document }: ReadDocument): string =>
    renderNginx(document, placeOf(config, paths, purges.key))

  async function putInForce(read: ReadDocument, agent: Agent): Promise<void> {
    const isPurge = await purges.take(read.document.purged)
    await nginx.apply(configurationOf(read))
    inForce = { read, agent }
    if (isPurge) {
      await purgeAll()
      await purges.noteDone()
    }
    first.resolve()
    await nginx.tellOrder(await agent.sources.addresses())
    log.info({ hash: read.hash, generation: read.document.generation }, 'edge.document-in-force')
  }

  /** Pages have theirs in their key. */
  async function purgeAll(): Promise<void> {
    for (const scope of ['open', 'tokened'] as const) await mirror.purgeScope(scope)
    log.info('edge.purged')
  }

  async function refuse(hash: string, reason: string, wasInForce: boolean): Promise<void> {
    log.error({ hash, reason, wasInForce }, 'edge.document-refused')
    await lastGood.quarantine({ hash, reason, wasInForce }, new Date())
  }

  async function take(text: string): Promise<void> {
    const before = inForce
    const read = readDocument(text, signers, before && isGuarded ? before.read : null)
    const agent = options.openAgent(read)
    try {
      let isJudged = true
      if (isGuarded)
        isJudged = await tryOut({
          ...options,
          read,
          agent,
          before,
          counting,
          putInForce: () => putInForce(read, agent),
        })
      else await putInForce(read, agent)
      if (isJudged) await lastGood.keep(read.text)
    } catch (error) {
      if (before && inForce !== before) await putInForce(before.read, before.agent)
      throw error
    } finally {
      const unused = inForce?.agent === agent ? before?.agent : agent
      await unused?.[Symbol.asyncDispose]()
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
      await nginx.apply(configurationOf(inForce.read))
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
          await refuse(hash, error.message, error instanceof DocumentRefusedError && error.wasInForce)
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
