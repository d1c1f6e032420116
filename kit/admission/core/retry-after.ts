/** When to come again: the later the lower the class, and never all at once. */
import type { PriorityClass } from './types.ts'

/** Least and most seconds, by class. */
const RANGE_S = [
  [1, 2],
  [1, 4],
  [4, 12],
  [15, 45],
] as const

/** Whole seconds (RFC 9110, 10.2.3), spread evenly over the range of the class. */
export function retryAfterS(priorityClass: PriorityClass, random: () => number): number {
  const [least, most] = RANGE_S[priorityClass]
  return least + Math.floor(random() * (most - least + 1))
}
