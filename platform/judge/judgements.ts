/** Judgements of anybody's rollouts: fed with samples, or by looking at two processes' metrics once a second. */
import { randomUUID } from 'node:crypto'
import {
  createJudge,
  type Judge,
  type JudgeOptions,
  type Judgement,
  type Observation,
  type Sample,
  type Stage,
} from '../../engines/steward/rollout/index.ts'
import { readBounded } from '../../kit/http/read-bounded.ts'
import { readSums, type MetricNames, type Sums } from './metrics-text.ts'

export interface JudgementOptions {
  /** Two addresses of metrics to look at; null: samples are posted. */
  readonly metrics: { readonly canary: string; readonly baseline: string } | null
  readonly names?: MetricNames
  readonly stages?: readonly Stage[]
  readonly rules?: JudgeOptions['rules'] & {}
  readonly alpha?: number
}

export interface RunningJudgement {
  readonly id: string
  /** The stage that counts now. */
  readonly stage: Stage
  /** Null: nothing was seen yet. */
  readonly last: Judgement | null
  observe(observation: Observation): Judgement
}

export interface Judgements extends Disposable {
  /** @throws {TooManyJudgementsError} */
  begin(options: JudgementOptions): RunningJudgement
  find(id: string): RunningJudgement | null
}

export class TooManyJudgementsError extends Error {}

/** That are not decided yet, at once. */
export const JUDGEMENTS_MAX = 32
const KEPT_MAX = 200
const LOOK_MS = 1_000
const ANSWER_TIMEOUT_MS = 900
const METRICS_MAX_BYTES = 4 * 1024 * 1024

/** Nothing runs yet. Disposal ends all looking. */
export function openJudgements(): Judgements {
  const all = new Map<string, { readonly running: RunningJudgement; stop(): void }>()
  const isDecided = ({ last }: RunningJudgement) => last?.verdict === 'promote' || last?.verdict === 'back'
  return {
    begin({ metrics, names, ...options }) {
      if ([...all.values()].filter(({ running }) => !isDecided(running)).length >= JUDGEMENTS_MAX)
        throw new TooManyJudgementsError(`${JUDGEMENTS_MAX} judgements are under way: end one first.`)
      const running = createRunning(createJudge(options))
      const stop = metrics ? lookAt(metrics, names, running, () => isDecided(running)) : () => {}
      all.set(running.id, { running, stop })
      if (all.size > KEPT_MAX) {
        const oldest = [...all.values()].find((one) => isDecided(one.running))
        if (oldest) all.delete(oldest.running.id)
      }
      return running
    },
    find: (id) => all.get(id)?.running ?? null,
    [Symbol.dispose]() {
      for (const { stop } of all.values()) stop()
    },
  }
}

function createRunning(judge: Judge): RunningJudgement {
  let last: Judgement | null = null
  return {
    id: randomUUID(),
    get stage() {
      return judge.stage
    },
    get last() {
      return last
    },
    observe: (observation) => (last = judge.observe(observation)),
  }
}

function lookAt(
  metrics: { readonly canary: string; readonly baseline: string },
  names: MetricNames | undefined,
  running: RunningJudgement,
  isDecided: () => boolean,
): () => void {
  const arms = {
    canary: createArmReader(metrics.canary, names),
    baseline: createArmReader(metrics.baseline, names),
  }
  let isLooking = false
  const timer = setInterval(() => {
    if (isDecided()) return clearInterval(timer)
    if (isLooking) return
    isLooking = true
    void Promise.all([arms.canary(), arms.baseline()])
      .then(([canary, baseline]) => running.observe({ canary, baseline }))
      .finally(() => (isLooking = false))
  }, LOOK_MS)
  return () => clearInterval(timer)
}

/** @returns what was counted since the last look; null: nothing could be learnt */
function createArmReader(url: string, names: MetricNames | undefined): () => Promise<Sample | null> {
  let before: Sums | null = null
  return async () => {
    const now = await readMetrics(url, names)
    if (now === 'gone') return before && emptySample(true)
    if (now === null) return null
    const since = before
    before = now
    // Sums that shrink are of another process: nothing is known of the second in which it began.
    if (since === null || now.requests < since.requests) return null
    return {
      ...emptySample(false),
      requests: now.requests - since.requests,
      errors: now.errors - since.errors,
      timeouts: now.timeouts - since.timeouts,
      shed: now.shed - since.shed,
      latencyBuckets: now.latencyBuckets.map((count, index) => count - since.latencyBuckets[index]!),
      rssBytes: now.rssBytes,
    }
  }
}

const emptySample = (crashed: boolean): Sample => ({
  atMs: performance.now(),
  requests: 0,
  errors: 0,
  timeouts: 0,
  shed: 0,
  latencyBuckets: readSums('http_requests_total 0').latencyBuckets,
  rssBytes: null,
  emptyFeeds: null,
  playbackStarts: null,
  playbackStartFailures: null,
  crashed,
})

/** `gone`: nobody listens there; null: no answer in time, or none that can be read. */
async function readMetrics(url: string, names?: MetricNames): Promise<Sums | 'gone' | null> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    if (!response.ok) return null
    return readSums((await readBounded(response.body, METRICS_MAX_BYTES)).toString(), names)
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    return cause?.code === 'ECONNREFUSED' ? 'gone' : null
  }
}
