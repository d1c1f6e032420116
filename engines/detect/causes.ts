/**
 * Why: causes ranked by what was observed, each with the observations for and against it.
 *
 * A naive Bayes classifier with a table that can be read and argued with: how often each observation is made when each
 * cause is at work. Observations lean on each other, so their sum is tempered before it becomes probabilities.
 */
import { OBSERVATIONS, type Observation, type Observed } from './observations.ts'
import { CAUSES, type Cause, type RankedCause } from './types.ts'

/** How often each cause is behind an outage of a large service, roughly, by public post-incident reports. */
const PRIOR: Readonly<Record<Cause, number>> = {
  overload: 0.17,
  rollout: 0.2,
  edge: 0.12,
  dns: 0.07,
  network: 0.13,
  attack: 0.06,
  policy: 0.04,
  maintenance: 0.05,
  local: 0.06,
  unknown: 0.1,
}

/** Probability of each observation, in the order of `CAUSES`, in hundredths. */
// prettier-ignore
const LIKELIHOOD: Readonly<Record<Observation, readonly number[]>> = {
  //                         over roll edge  dns netw atta poli main loca unkn
  'release-just-before':    [  6,  68,   6,   4,   4,   4,   4,   8,   4,   5],
  'configuration-just-before': [ 6, 69, 15,  12,   6,   4,   4,   8,   4,   5],
  'maintenance-announced':  [  2,   3,   2,   2,   2,   1,   2,  92,   1,   2],
  'policy-closed':          [  1,   1,   1,   1,   1,   1,  60,   1,   1,   1],
  'all-regions':            [ 65,  85,  25,  70,   8,  75,  30,  60,   3,  50],
  'one-region':             [ 15,   5,  45,  10,  80,   8,  60,  25,  95,  25],
  'edge-features-only':     [  8,  12,  85,   6,   6,   6,   3,  10,  15,  18],
  'all-features':           [ 45,  35,   5,  85,  80,  65,  90,  40,  60,  35],
  'dns-fails':              [  2,   2,   4,  92,   5,   3,  15,   3,   4,   4],
  'dns-answers-differ':     [  1,   1,   3,  40,   2,   1,  15,   1,   2,   2],
  'connections-fail':       [ 10,   6,  20,   6,  65,  20,  15,  25,  30,  18],
  'connections-refused':    [ 10,  25,  12,   2,   4,   8,   6,  50,   4,  85],
  'connections-unanswered': [ 40,  18,  30,   2,  20,  40,   5,  30,  10,  90],
  timeouts:                 [ 40,  10,  45,  10,  60,  45,  15,  20,  40,  25],
  'server-errors':          [ 55,  75,  40,   5,   6,  40,   6,  60,   6,  50],
  'server-says-overloaded': [ 50,   6,   8,   2,   2,  45,   2,  15,   2,   8],
  'client-errors':          [  4,  22,  10,   2,   2,   6,  25,   5,   3,   8],
  'blocked-by-law':         [  1,   1,   1,   1,   1,   1,  55,   1,   1,   1],
  'block-page':             [  1,   1,   1,   2,   2,   1,  45,   1,   3,   1],
  'store-listing-gone':     [  1,   1,   1,   1,   1,   1,  25,   1,   1,   1],
  'wrong-content':          [  4,  35,  25,   3,   2,   3,   6,   6,   2,  12],
  'one-network':            [  3,   3,   5,   5,  55,   3,  30,   3,  85,   6],
  'one-client-version':     [  3,  40,   3,   2,   2,   3,   3,   3,   4,   5],
  'request-surge':          [ 75,   8,   5,   4,   3,  90,   3,   4,   2,   6],
  'surge-from-few-sources': [  6,  30,  30,  30,  30,  92,  30,  30,  30,  30],
  'traffic-collapsed':      [  8,  20,  12,  60,  45,  10,  75,  45,   5,  20],
  'traffic-dipped':         [ 15,  60,  65,  85,  75,  15,  92,  70,   5,  55],
  'many-reports':           [ 45,  45,  45,  45,  50,  50,  45,  45,   8,  45],
  'began-slowly':           [ 45,  12,  20,  15,  10,  15,  15,  10,  20,  20],
  'slow-before-failing':    [ 60,   8,  20,   6,  15,  40,   3,   8,   5,  12],
  'probes-well':            [  5,  12,   8,   6,  12,   5,  20,   8,  92,  25],
}

/** Observations of one outage are not independent. On the seeds for tuning 1 would fit, but there all kinds are heard. */
const TEMPER = 0.75
/** What moves the odds by less than this is not worth telling. */
const TELLING = Math.log(2)

/** Ranks all causes; probabilities sum to 1. */
export function rankCauses(observed: Observed): RankedCause[] {
  const weights = CAUSES.map((cause, at) => {
    let sum = Math.log(PRIOR[cause])
    for (const name of OBSERVATIONS) sum += TEMPER * weightOf(name, at, observed[name])
    return sum
  })
  const max = Math.max(...weights)
  const total = weights.reduce((sum, weight) => sum + Math.exp(weight - max), 0)
  return CAUSES.map((cause, at) => ({
    cause,
    probability: Math.exp(weights[at]! - max) / total,
    ...evidenceOf(observed, at),
  })).sort((a, b) => b.probability - a.probability)
}

function weightOf(name: Observation, at: number, value: boolean | null): number {
  if (value === null) return 0
  const likelihood = LIKELIHOOD[name][at]! / 100
  return Math.log(value ? likelihood : 1 - likelihood)
}

/** For and against: where this cause makes the observation much likelier, or less likely, than causes do on the whole. */
function evidenceOf(observed: Observed, at: number): { evidenceFor: string[]; evidenceAgainst: string[] } {
  const [evidenceFor, evidenceAgainst]: [string[], string[]] = [[], []]
  for (const name of OBSERVATIONS) {
    const value = observed[name]
    if (value === null) continue
    const mean = CAUSES.reduce(
      (sum, cause, each) => sum + PRIOR[cause] * Math.exp(weightOf(name, each, value)),
      0,
    )
    const lift = weightOf(name, at, value) - Math.log(mean)
    const told = value ? name : `not-${name}`
    if (lift >= TELLING) evidenceFor.push(told)
    else if (lift <= -TELLING) evidenceAgainst.push(told)
  }
  return { evidenceFor, evidenceAgainst }
}
