/** The little mathematics that every part of the detector shares. Natural logarithms throughout. */

export const clamp = (value: number, low: number, high: number): number =>
  value < low ? low : value > high ? high : value

/** From log-odds to a probability. */
export const toProbability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

/**
 * How much likelier `count` is at its own rate than at the expected one: the expectation-based scan statistic (Neill 2009)
 * for negative binomial counts. 0 at or below the expectation.
 *
 * `shape` is that of the gamma distribution over the true rate: small when it is noisy or badly known, and then even a
 * large count proves little.
 */
export function excessLogRatio(count: number, expected: number, shape: number): number {
  if (count <= expected) return 0
  return count * Math.log(count / expected) - (count + shape) * Math.log((count + shape) / (expected + shape))
}

/** Log-likelihood of `count` at `factor` × the expected rate, over that at the expected rate. Negative: it speaks against. */
export function factorLogRatio(count: number, expected: number, factor: number, shape: number): number {
  return (
    count * Math.log(factor) - (count + shape) * Math.log((factor * expected + shape) / (expected + shape))
  )
}

/** Probability that a standard normal value is below `z` (Abramowitz and Stegun 26.2.17; error < 1e-7). */
export function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z > 0 ? 1 - tail : tail
}

/** The weight that is left of something observed `elapsed` ago, when half is forgotten in `halfLife`. */
export const decayOver = (elapsed: number, halfLife: number): number => Math.pow(0.5, elapsed / halfLife)
