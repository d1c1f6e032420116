/** Figures out of many: one rule for all who measure. */

/** The value at this share of the way through them, in order: of the two in the middle the larger one. 0 of none. */
export function quantileOf(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export const medianOf = (values: Iterable<number>): number => quantileOf(values, 0.5)

export const roundTo = (value: number, digits: number): number => Number(value.toFixed(digits))
