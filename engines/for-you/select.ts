/**
 * The best few of many by score, without sorting all. Score and slot share one double, so that the fast numeric sort of
 * typed arrays does the work and equal scores come in the order of their slots.
 */

/** Slots are smaller than this. */
export const SLOTS_MAX = 2 ** 20
/** Scores are told apart by millionths of a point. */
const STEPS_PER_POINT = 1e6
export const SCORE_MAX = 1000
const STEPS_MAX = SCORE_MAX * STEPS_PER_POINT

/** A number that is smaller the higher the score. */
export function sortKeyOf(score: number, slot: number): number {
  return (STEPS_MAX - ((score * STEPS_PER_POINT) | 0)) * SLOTS_MAX + slot
}

export function slotOfKey(key: number): number {
  return key % SLOTS_MAX
}

/** Orders `keys[from…to)` so that its `count` smallest come first, and those in order. Returns where they end. */
export function bringSmallestFirst(keys: Float64Array, from: number, to: number, count: number): number {
  const end = Math.min(to, from + count)
  if (end < to) partitionSmallest(keys, from, to - 1, end - 1)
  keys.subarray(from, end).sort()
  return end
}

/** Hoare's quickselect with the median of three: afterwards nothing before `nth` is larger than what follows it. */
function partitionSmallest(keys: Float64Array, first: number, last: number, nth: number): void {
  let left = first
  let right = last
  while (left < right) {
    const pivot = medianOf(keys[left]!, keys[(left + right) >>> 1]!, keys[right]!)
    let low = left
    let high = right
    while (low <= high) {
      while (keys[low]! < pivot) low++
      while (keys[high]! > pivot) high--
      if (low > high) break
      const swapped = keys[low]!
      keys[low++] = keys[high]!
      keys[high--] = swapped
    }
    if (nth <= high) right = high
    else if (nth >= low) left = low
    else return
  }
}

function medianOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
