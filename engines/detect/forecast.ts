/**
 * How much longer an outage of this kind lasts.
 *
 * Durations are log-normal per cause: a prior from public post-incident reports, moved by this service's own past. What
 * has already lasted an hour is compared only with those that lasted at least an hour.
 */
import { clamp, normalBelow } from './maths.ts'
import { CAUSES, type Cause, type Forecast, type RankedCause } from './types.ts'

const MINUTE_MS = 60_000

/** Median in minutes; the spread of the logarithm is common to all. */
const MEDIAN_MIN: Readonly<Record<Cause, number>> = {
  overload: 40,
  rollout: 45,
  edge: 50,
  dns: 60,
  network: 80,
  attack: 90,
  policy: 24 * 60,
  maintenance: 60,
  local: 60,
  unknown: 60,
}
const SPREAD = 1.1
/** How many outages of its own outweigh that belief. */
const PRIOR_OUTAGES = 4

/** Per cause, in the order of `CAUSES`: how many ended, and the sum of the logarithms of their minutes. */
export interface Durations {
  readonly ended: number[]
  readonly logMinutes: number[]
}

export const createDurations = (): Durations => ({
  ended: CAUSES.map(() => 0),
  logMinutes: CAUSES.map(() => 0),
})

export function learnDuration(durations: Durations, cause: Cause, durationMs: number): void {
  const at = CAUSES.indexOf(cause)
  durations.ended[at]! += 1
  durations.logMinutes[at]! += Math.log(Math.max(durationMs / MINUTE_MS, 1))
}

function meanLogMinutes(durations: Durations, cause: Cause): number {
  const at = CAUSES.indexOf(cause)
  return (
    (durations.logMinutes[at]! + PRIOR_OUTAGES * Math.log(MEDIAN_MIN[cause])) /
    (durations.ended[at]! + PRIOR_OUTAGES)
  )
}

/** What remains, from now, of an outage that has lasted `elapsedMs`: 5 %, 50 % and 95 %. */
export function forecastRemaining(
  durations: Durations,
  causes: readonly RankedCause[],
  elapsedMs: number,
): Forecast {
  const elapsedMin = Math.max(elapsedMs / MINUTE_MS, 0.5)
  const parts = causes.map(({ cause, probability }) => ({
    mean: meanLogMinutes(durations, cause),
    probability,
  }))
  const survival = (minutes: number): number =>
    parts.reduce(
      (sum, { mean, probability }) =>
        sum + probability * (1 - normalBelow((Math.log(minutes) - mean) / SPREAD)),
      0,
    )
  const now = Math.max(survival(elapsedMin), 1e-9)
  const at = (share: number): number => {
    let [low, high] = [Math.log(elapsedMin), Math.log(elapsedMin + 90 * 24 * 60)]
    for (let step = 0; step < 40; step++) {
      const middle = (low + high) / 2
      if (survival(Math.exp(middle)) / now > 1 - share) low = middle
      else high = middle
    }
    return clamp(Math.round((Math.exp(high) - elapsedMin) * MINUTE_MS), 0, 90 * 86_400_000)
  }
  const ownOutages = causes.reduce(
    (sum, { cause, probability }) => sum + probability * durations.ended[CAUSES.indexOf(cause)]!,
    0,
  )
  const interval = { medianMs: at(0.5), lowMs: at(0.05), highMs: at(0.95) }
  return { ...interval, isOfOwnPast: ownOutages >= PRIOR_OUTAGES }
}
