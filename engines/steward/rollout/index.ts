/** The judge of a rollout: compares a release with what it is to replace, second by second. Pure. */
export { createJudge } from './judge.ts'
export { bucketOf, noLatencies } from './latency.ts'
export {
  LATENCY_BOUNDS_MS,
  LATENCY_BUCKET_COUNT,
  STAGES,
  type Evidence,
  type Judge,
  type Judgement,
  type JudgeOptions,
  type Measure,
  type Observation,
  type Sample,
  type Stage,
  type StageRule,
  type Verdict,
} from './types.ts'
