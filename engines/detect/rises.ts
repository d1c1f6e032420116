/**
 * Slow rises: a cumulative sum per feature and one for all, which no fixed window can outlast.
 *
 * The sum (Page 1954) against 2.5 × the usual finds where the rise began; how much it proves is then the same
 * likelihood ratio as the scan's, over exactly that time.
 */
import { excessLogRatio } from './maths.ts'
import { BURST_FACTOR, BURST_PRICE } from './scan.ts'
import type { ServiceState } from './state.ts'
import { BIN_MS, type Shape } from './shape.ts'

const FACTOR = 2.5
/** What lies back counts less, half in fourteen minutes: a rise that is over is forgotten. Per bin. */
const KEPT = 0.992
/** Below this the rise is over: decay alone never reaches 0. */
const SCORE_MIN = 0.05
const COUNT_MIN = 8
const EXPECTED_MIN = 1
/** For being one of many rows and beginnings. */
const PRICE = 2.5

/** Adds the bin that has just closed. Only what names a feature counts for that feature. */
export function addToRises(service: ServiceState, shape: Shape, endMs: number, inflate: number): void {
  const { rise, windows, baseline } = service
  const cells = windows.filling.length
  const ringBins = windows.ring.length / cells
  const at = ((windows.head - 1 + ringBins) % ringBins) * cells
  let [allCount, allExpected] = [0, 0]
  for (let row = 0; row < shape.rows; row++) {
    let [count, expected] = [0, 0]
    for (let column = 0; column < shape.columns; column++) {
      const cell = row * shape.columns + column
      count += windows.ring[at + cell]!
      expected += baseline.perBin[cell]!
    }
    expected *= inflate
    allCount += count
    allExpected += expected
    if (row < shape.features) addTo(rise, row, { count, expected, endMs })
  }
  addTo(rise, shape.features, { count: allCount, expected: allExpected, endMs })
}

function addTo(
  rise: ServiceState['rise'],
  row: number,
  bin: { count: number; expected: number; endMs: number },
): void {
  const score = rise.score[row]! * KEPT + bin.count * Math.log(FACTOR) - bin.expected * (FACTOR - 1)
  if (score <= SCORE_MIN) {
    rise.score[row] = rise.count[row] = rise.expected[row] = 0
    return
  }
  if (rise.score[row] === 0) rise.sinceMs[row] = bin.endMs - BIN_MS
  rise.score[row] = score
  rise.count[row] = rise.count[row]! * KEPT + bin.count
  rise.expected[row] = rise.expected[row]! * KEPT + bin.expected
}

/** What the rise of a row proves; the row after the last feature is the whole service. */
export function judgeRise(service: ServiceState, row: number): number {
  const { rise, baseline } = service
  const count = rise.count[row]!
  if (count < COUNT_MIN) return 0
  const expected = Math.max(rise.expected[row]!, EXPECTED_MIN)
  const rateShape = 1 / baseline.variance
  const score = Math.min(
    excessLogRatio(count, expected, rateShape),
    BURST_PRICE + excessLogRatio(count, expected * BURST_FACTOR, rateShape),
  )
  return Math.max(score - PRICE, 0)
}

export function clearRises(service: ServiceState): void {
  service.rise.score.fill(0)
  service.rise.count.fill(0)
  service.rise.expected.fill(0)
}
