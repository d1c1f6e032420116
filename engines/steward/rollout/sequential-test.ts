/**
 * Whether something happens more often in one arm than in the other, asked again with each second that passes.
 *
 * Given that an event happened, the arm that it happened in is drawn by the arms' shares of the requests of that second
 * when both are alike. Against that stand alternatives in which the canary's odds are so many times higher; the mixture
 * of their likelihood ratios is a nonnegative supermartingale of mean 1 as long as the canary is no worse, so by Ville's
 * inequality it ever reaches 1/α with a chance of at most α, however often one looks and whenever one stops.
 *
 * - H. Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Statist. 41 (1970)
 * - R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always valid inference: continuous monitoring of A/B tests",
 *   Operations Research 70 (2022): the mixture sequential probability ratio test (mSPRT)
 * - M. Lindon, A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022: counts whose intensity
 *   changes with time
 * - W. Hoeffding, "Probability inequalities for sums of bounded random variables", JASA 58 (1963), theorem 4: without
 *   replacement, as within one second, a convex function has at most the mean that it has with replacement
 */

/** How many times the tolerated odds the alternatives suppose; each is as likely as any other beforehand. */
const ODDS_RATIOS = [2, 5, 20, 100] as const

export interface Counted {
  /** Requests in which it could have happened. */
  readonly trials: number
  readonly events: number
}

export interface SequentialTest {
  add(canary: Counted, baseline: Counted): void
  /** At this moment. */
  readonly eValue: number
  /** The highest so far: what was once enough stays enough. */
  readonly eValueMax: number
}

/**
 * Begins with nothing known.
 *
 * Events of one second often have one cause, such as a collection of garbage, and are then not independent. Where there are
 * more than `maxEventsPerAdd`, those of both arms count for less by the same factor w < 1. What decides on w is known
 * without the arms that they fell into, and the mean of a ratio's power w is at most 1 when that of the ratio is (Jensen).
 *
 * @param toleratedRatio of the canary's odds to the baseline's, up to which the release counts as no worse
 */
export function createSequentialTest(toleratedRatio: number, maxEventsPerAdd: number): SequentialTest {
  return createMixture(ODDS_RATIOS, (canary, baseline) => {
    const events = canary.events + baseline.events
    const weight = Math.min(1, maxEventsPerAdd / events)
    const odds = (toleratedRatio * canary.trials) / baseline.trials
    return (ratio) =>
      weight * (canary.events * Math.log(ratio) + events * Math.log((1 + odds) / (1 + ratio * odds)))
  })
}

/**
 * The mean of what several alternatives gain, each with an equal part of the capital.
 *
 * @param gainsOf for one second of both arms, by how much the logarithm of an alternative's capital grows
 */
export function createMixture<Alternative>(
  alternatives: readonly Alternative[],
  gainsOf: (canary: Counted, baseline: Counted) => (alternative: Alternative) => number,
): SequentialTest {
  const logCapitals = alternatives.map(() => 0)
  let eValue = 1
  let eValueMax = 1
  return {
    get eValue() {
      return eValue
    },
    get eValueMax() {
      return eValueMax
    },
    add(canary, baseline) {
      // An arm without a request can't have an event: the other says nothing about their difference.
      if (canary.events + baseline.events === 0 || canary.trials === 0 || baseline.trials === 0) return
      const gainOf = gainsOf(canary, baseline)
      alternatives.forEach((alternative, index) => (logCapitals[index]! += gainOf(alternative)))
      eValue = meanOfExponentials(logCapitals)
      eValueMax = Math.max(eValueMax, eValue)
    },
  }
}

/** Without leaving the range of numbers. */
function meanOfExponentials(logs: readonly number[]): number {
  const top = Math.max(...logs)
  const sum = logs.reduce((total, log) => total + Math.exp(log - top), 0)
  return Math.min(Math.exp(top) * (sum / logs.length), Number.MAX_VALUE)
}
