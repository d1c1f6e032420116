/** From judged worlds to figures. */
import { CAUSES, type Cause } from '../../engines/detect/index.ts'
import { quantileOf } from '../../tests/rig/quantile.ts'
import type { Found, Judged } from './judging.ts'

/** Never found counts as infinitely late. Null: nothing to take a quantile of. */
export const quantile = (values: readonly (number | null)[], share: number): number | null =>
  values.length === 0
    ? null
    : quantileOf(
        values.map((value) => value ?? Infinity),
        share,
      )

export interface Figures {
  readonly serviceMonths: number
  readonly outages: number
  readonly covered: number
  readonly foundShare: number
  readonly delayMedianS: number | null
  readonly delayP95S: number | null
  readonly uncoveredDelayMedianS: number | null
  readonly uncoveredOracleMedianS: number | null
  readonly minorFoundShare: number | null
  readonly falseAlarmsPerMonth: number
  readonly suspicionsPerMonth: number
  readonly collateralShare: number
  readonly macroF1: number
  readonly calibrationError: number
  readonly recoveryMedianS: number | null
  readonly recoveryP95S: number | null
  readonly falseBackShare: number
  readonly onsetErrorMedianS: number | null
  readonly overlapMean: number
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000)
const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

export function figuresOf(judged: readonly Judged[]): Figures {
  const found = judged.flatMap((each) => each.found)
  const covered = found.filter(({ outage, isCovered }) => outage.isMajor && isCovered)
  const uncovered = found.filter(({ outage, isCovered }) => outage.isMajor && !isCovered)
  const minor = found.filter(({ outage }) => !outage.isMajor)
  const delays = covered.map(({ delayMs }) => delayMs)
  const recoveries = covered.flatMap(({ recoveryMs }) => (recoveryMs === null ? [] : [recoveryMs]))
  const onsets = covered.flatMap(({ onsetErrorMs }) => (onsetErrorMs === null ? [] : [onsetErrorMs]))
  const overlaps = covered.flatMap(({ overlap }) => (overlap === null ? [] : [overlap]))
  const months = judged.reduce((sum, { serviceMonths }) => sum + serviceMonths, 0)
  const sum = (pick: (each: Judged) => number): number =>
    judged.reduce((total, each) => total + pick(each), 0)
  return {
    serviceMonths: months,
    outages: found.length,
    covered: covered.length,
    foundShare: ratio(covered.filter(({ delayMs }) => delayMs !== null).length, covered.length),
    delayMedianS: seconds(quantile(delays, 0.5)),
    delayP95S: seconds(quantile(delays, 0.95)),
    uncoveredDelayMedianS: seconds(
      quantile(
        uncovered.map(({ delayMs }) => delayMs),
        0.5,
      ),
    ),
    uncoveredOracleMedianS: seconds(
      quantile(
        uncovered.map(({ oracleMs }) => oracleMs),
        0.5,
      ),
    ),
    minorFoundShare:
      minor.length === 0 ? null : ratio(minor.filter(({ delayMs }) => delayMs !== null).length, minor.length),
    falseAlarmsPerMonth: ratio(
      sum(({ falseAlarms }) => falseAlarms.length),
      months,
    ),
    suspicionsPerMonth: ratio(
      sum(({ suspicions }) => suspicions),
      months,
    ),
    collateralShare: ratio(
      sum(({ collateral }) => collateral),
      sum(({ exposed }) => exposed),
    ),
    ...judgeCauses(covered),
    recoveryMedianS: seconds(quantile(recoveries, 0.5)),
    recoveryP95S: seconds(quantile(recoveries, 0.95)),
    falseBackShare: ratio(
      sum(({ falseBack }) => falseBack),
      sum(({ resolved }) => resolved),
    ),
    onsetErrorMedianS: seconds(quantile(onsets, 0.5)),
    overlapMean: ratio(
      overlaps.reduce((total, each) => total + each, 0),
      overlaps.length,
    ),
  }
}

/** Macro-F1 over the causes that occurred, of the outages that were found; and how far probabilities are from shares. */
export function judgeCauses(found: readonly Found[]): { macroF1: number; calibrationError: number } {
  const cases = found.flatMap(({ outage, cause, causeProbability }) =>
    cause === null ? [] : [{ truth: outage.cause, said: cause, probability: causeProbability ?? 0 }],
  )
  const f1s = CAUSES.filter((cause) => cases.some(({ truth }) => truth === cause)).map((cause) => {
    const right = cases.filter(({ truth, said }) => truth === cause && said === cause).length
    const wrong = cases.filter(({ truth, said }) => (truth === cause) !== (said === cause)).length
    return (2 * right) / (2 * right + wrong)
  })
  let error = 0
  for (let bucket = 0; bucket < 10; bucket++) {
    const inside = cases.filter(({ probability }) => Math.min(Math.floor(probability * 10), 9) === bucket)
    if (inside.length === 0) continue
    const share = inside.filter(({ truth, said }) => truth === said).length / inside.length
    const mean = inside.reduce((sum, { probability }) => sum + probability, 0) / inside.length
    error += (inside.length / cases.length) * Math.abs(share - mean)
  }
  return {
    macroF1: ratio(
      f1s.reduce((sum, each) => sum + each, 0),
      f1s.length,
    ),
    calibrationError: error,
  }
}

/** Which causes were taken for which: for whoever tunes the table. */
export function confusionsOf(judged: readonly Judged[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outage, isCovered, cause } of judged.flatMap(({ found }) => found)) {
    if (!outage.isMajor || !isCovered || cause === null || cause === outage.cause) continue
    const name = `${outage.cause} → ${cause satisfies Cause}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export interface RivalFigures {
  readonly delayMedianS: number | null
  readonly delayP95S: number | null
  readonly foundShare: number
  readonly falseAlarmsPerMonth: number
  readonly collateralShare: number
}

export function rivalFiguresOf(judged: readonly Judged[], name: string): RivalFigures {
  const each = judged.map(({ rivals }) => rivals[name]!)
  const delays = each.flatMap(({ delaysMs }) => delaysMs)
  const months = judged.reduce((sum, { serviceMonths }) => sum + serviceMonths, 0)
  const exposed = judged.reduce((sum, judgedOne) => sum + judgedOne.exposed, 0)
  return {
    delayMedianS: seconds(quantile(delays, 0.5)),
    delayP95S: seconds(quantile(delays, 0.95)),
    foundShare: ratio(delays.filter((delay) => delay !== null).length, delays.length),
    falseAlarmsPerMonth: ratio(
      each.reduce((sum, { falseAlarms }) => sum + falseAlarms, 0),
      months,
    ),
    collateralShare: ratio(
      each.reduce((sum, { collateral }) => sum + collateral, 0),
      exposed,
    ),
  }
}
