/**
 * The judge of a rollout over an edge's document. Two arms, the new document and the one before, each as a shadow that is
 * asked the same requests at the same moment; once the new one is in force, what people meet is the new one's as well, and
 * what they met in the seconds before is the other's.
 */
import {
  createJudge,
  type Judgement,
  type Sample,
  type Stage,
} from '../../../engines/steward/rollout/index.ts'
import type { Seen } from './replay.ts'

export interface Second {
  readonly requests: number
  readonly errors: number
}

export interface Look {
  readonly atMs: number
  readonly canary: Seen
  readonly baseline: Seen
  /** Null: nobody meets the new one yet. */
  readonly live: Live | null
}

export interface Live {
  /** What people met in the seconds before it came into force; the same of each call. */
  readonly before: readonly Second[]
  /** All that nginx counted, what was asked to see it included; null: it does not answer. */
  readonly counted: Second | null
  /** What was asked to see it. */
  readonly asked: Pick<Seen, 'broken' | 'timeouts'>
  readonly hasEnded: boolean
}

const STAGES: readonly Stage[] = ['shadow', '100%']

/**
 * @param judgeS how long a document is in force before it is the last good one.
 * @param ratePerS of what is asked of each arm.
 */
export function createReleaseJudge(input: { readonly judgeS: number; readonly ratePerS: number }): {
  readonly stage: Stage
  observe(look: Look): Judgement
} {
  const { judgeS, ratePerS } = input
  const judge = createJudge({
    stages: STAGES,
    rules: { '100%': { minMs: judgeS * 1_000, minRequests: Math.floor((judgeS * ratePerS) / 2) } },
  })
  let at = 0
  return {
    get stage() {
      return judge.stage
    },
    observe({ atMs, canary, baseline, live }) {
      if (live === null)
        return judge.observe({ canary: toSample(atMs, canary), baseline: toSample(atMs, baseline) })
      const { before, counted, asked, hasEnded } = live
      // As many people as before, with what befell them then: a page that always failed is nobody's fault now.
      const was = before.length > 0 ? before[at++ % before.length]! : { requests: 0, errors: 0 }
      const unanswered = asked.broken + asked.timeouts
      // What people met is not known while nginx tells no counts: it is silent then, not without failures.
      const met = counted && {
        requests: counted.requests + unanswered,
        errors: counted.errors + asked.broken,
        timeouts: asked.timeouts,
      }
      return judge.observe({
        canary: met || hasEnded ? { ...toSample(atMs, canary, met ?? NOBODY), crashed: hasEnded } : null,
        baseline: toSample(atMs, baseline, { ...was, timeouts: 0 }),
      })
    },
  }
}

const NOBODY = { requests: 0, errors: 0, timeouts: 0 }

/** How long an answer took is told by the shadows alone: beside a crowd the same document is slower. */
function toSample(atMs: number, shadow: Seen, met: Second & { readonly timeouts: number } = NOBODY): Sample {
  return {
    atMs,
    requests: shadow.requests + met.requests,
    errors: shadow.errors + shadow.broken + met.errors,
    timeouts: shadow.timeouts + met.timeouts,
    shed: 0,
    latencyBuckets: shadow.latencyBuckets,
    rssBytes: null,
    emptyFeeds: null,
    playbackStarts: null,
    playbackStartFailures: null,
    crashed: false,
  }
}
