/**
 * The trial of a document: golden requests of a shadow of it, then the judge over that shadow and one of the document before,
 * then in force, with the judge still looking.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Judgement } from '../../../engines/steward/rollout/index.ts'
import type { Log } from '../../../kit/log.ts'
import type { Agent } from '../agent/agent.ts'
import type { EdgeConfig, EdgePaths } from '../config.ts'
import type { Mirror } from '../mirror/mirror.ts'
import type { Nginx } from '../nginx/nginx.ts'
import { askGolden, layGoldenSegment, replayPathsOf } from './golden.ts'
import { createReleaseJudge, type Live, type Second } from './judge-release.ts'
import { DocumentRefusedError, type ReadDocument } from './read-document.ts'
import { startReplay, type Replay } from './replay.ts'
import { createCountReader, type countSeconds } from './seconds.ts'
import { openShadow } from './shadow.ts'

/** Of each arm; the judge needs some hundred requests to be certain. */
const ASKED_PER_S = 30
const LOOK_INTERVAL_MS = 1_000
/** A judge that can not tell holds; after so long somebody has to look. */
const UNDECIDED_MAX_MS = 10 * 60_000

export interface TrialOptions {
  readonly config: EdgeConfig
  readonly paths: EdgePaths
  readonly mirror: Mirror
  readonly nginx: Nginx
  readonly log: Log
  readonly signal: AbortSignal
  readonly read: ReadDocument
  /** The candidate's own. */
  readonly agent: Agent
  /** Null: this is the first, and there is nothing to hold it against. */
  readonly before: { readonly read: ReadDocument; readonly agent: Agent } | null
  readonly counting: ReturnType<typeof countSeconds>
  readonly putInForce: () => Promise<void>
}

/**
 * Ends well once the document is in force; whoever calls takes it back otherwise.
 *
 * @returns whether it has been judged: not when the edge was ended meanwhile
 * @throws {DocumentRefusedError} saying what speaks against it; @throws {NginxRefusedError}
 */
export async function tryOut(options: TrialOptions): Promise<boolean> {
  const { mirror, read, agent, before, config, paths } = options
  await layGoldenSegment(mirror)
  await using stack = new AsyncDisposableStack()
  const canary = stack.use(await openShadow({ config, paths, document: read.document, agent, arm: 'canary' }))
  const wrong = await askGolden({
    url: `http://127.0.0.1:${canary.port}`,
    areTokensChecked: config.keyPath !== null,
    isOriginExpected: before !== null && before.agent.sources.awaySinceMs === null,
  })
  if (wrong.length > 0) throw new DocumentRefusedError(wrong.join('; '))
  if (before === null) return await beginWith(options)
  const baseline = stack.use(
    await openShadow({
      ...{ config, paths, arm: 'baseline' },
      document: before.read.document,
      agent: before.agent,
    }),
  )
  let isInForce = false
  const replay = stack.use(
    startReplay({
      targets: () => ({
        canary: { host: '127.0.0.1', port: canary.port },
        baseline: { host: '127.0.0.1', port: baseline.port },
        ...(isInForce && { live: { host: reachableHostOf(config), port: config.port } }),
      }),
      paths: await replayPathsOf(mirror),
      ratePerS: ASKED_PER_S,
    }),
  )
  const putInForce = async () => {
    await options.putInForce()
    isInForce = true
  }
  return await judgeArms(options, replay, putInForce)
}

/** With nothing before it, it has to stay alive. */
async function beginWith({ putInForce, nginx, config, signal }: TrialOptions): Promise<boolean> {
  await putInForce()
  for (let second = 0; second < config.judgeS && !signal.aborted; second++) {
    await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {})
    if (!signal.aborted && (await nginx.pid()) === null) throw new DocumentRefusedError('nginx has ended.')
  }
  return !signal.aborted
}

async function judgeArms(
  { config, counting, nginx, log, signal }: TrialOptions,
  replay: Replay<'canary' | 'baseline' | 'live'>,
  putInForce: () => Promise<void>,
): Promise<boolean> {
  const judge = createReleaseJudge({ judgeS: config.judgeS, ratePerS: ASKED_PER_S })
  const count = createCountReader(nginx)
  const beganMs = performance.now()
  let before: readonly Second[] | null = null
  while (!signal.aborted && performance.now() - beganMs < UNDECIDED_MAX_MS) {
    await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const live: Live | null = before && {
      ...{ before, counted: await count(), asked: replay.take('live') },
      hasEnded: (await nginx.pid()) === null,
    }
    const { verdict, reason }: Judgement = judge.observe({
      ...{ atMs: performance.now(), live },
      canary: replay.take('canary'),
      baseline: replay.take('baseline'),
    })
    log.debug({ stage: judge.stage, verdict, reason, live }, 'edge.document-judged')
    if (verdict === 'promote') return true
    if (verdict === 'back')
      throw new DocumentRefusedError(
        before ? `${reason} It was taken back after ${secondsSince(beganMs)} s.` : reason,
        { wasInForce: before !== null },
      )
    if (verdict !== 'advance') continue
    before = counting.recent()
    await putInForce()
    // What was counted while it came into force is of both.
    await count()
    replay.take('live')
  }
  if (signal.aborted) return false
  throw new DocumentRefusedError('Nothing was certain within ten minutes.')
}

/** What listens on every address is asked at one. */
const reachableHostOf = ({ host }: EdgeConfig): string =>
  host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host

const secondsSince = (ms: number): number => Math.round((performance.now() - ms) / 1_000)
