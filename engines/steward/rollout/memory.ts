/** Whether the canary's memory grows where the baseline's does not. */
const MIB = 1024 ** 2

/** Seconds that are looked at; processes begun a moment ago grow in leaps, and both do. */
const WINDOW_S = 45
/** Blocks of the window, each of whose lowest values must be above the one before: what was collected once is no leak. */
const BLOCK_S = 9
/** Of the difference between the arms. */
const SLOPE_BYTES_PER_S = MIB
/** From the first block to the last; a heap's young generation makes less of itself. */
const GROWTH_BYTES = 48 * MIB

export interface MemoryView {
  /** Theil–Sen slopes over the window; null: not enough is known. */
  readonly canaryBytesPerS: number | null
  readonly baselineBytesPerS: number | null
  readonly isLeaking: boolean
}

/**
 * Compares slopes of resident memory, each the median of all pairs (P. K. Sen, JASA 63 (1968)), which a single leap does
 * not bend.
 */
export function createMemoryWatch() {
  const canary: number[] = []
  const baseline: number[] = []
  return {
    add(canaryBytes: number, baselineBytes: number): void {
      canary.push(canaryBytes)
      baseline.push(baselineBytes)
      if (canary.length > WINDOW_S) {
        canary.shift()
        baseline.shift()
      }
    },
    view(): MemoryView {
      if (canary.length < WINDOW_S)
        return { canaryBytesPerS: null, baselineBytesPerS: null, isLeaking: false }
      const difference = canary.map((bytes, second) => bytes - baseline[second]!)
      return {
        canaryBytesPerS: slopeOf(canary),
        baselineBytesPerS: slopeOf(baseline),
        isLeaking: isStairs(difference) && isStairs(canary) && slopeOf(difference) >= SLOPE_BYTES_PER_S,
      }
    },
  }
}

/** A value a second. */
export function slopeOf(values: readonly number[]): number {
  const slopes: number[] = []
  for (let first = 0; first < values.length; first++)
    for (let second = first + 1; second < values.length; second++)
      slopes.push((values[second]! - values[first]!) / (second - first))
  return medianOf(slopes)
}

function isStairs(values: readonly number[]): boolean {
  const lowest: number[] = []
  for (let from = 0; from < values.length; from += BLOCK_S)
    lowest.push(Math.min(...values.slice(from, from + BLOCK_S)))
  const isRising = lowest.every((value, index) => index === 0 || value > lowest[index - 1]!)
  return isRising && lowest.at(-1)! - lowest[0]! >= GROWTH_BYTES
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!
