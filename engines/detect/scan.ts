/**
 * The scan: which subset of features × regions has more reports than expected, and how surely.
 *
 * Expectation-based, over four windows. Within a fixed set of rows the best subset of columns is among the prefixes of
 * the columns ordered by count over expectation (linear-time subset scanning: Neill 2012), so alternating between rows
 * and columns needs no search through all subsets. Reports that name no feature or no region belong to every subset.
 * Smaller subsets pay for being one of many that could have been picked.
 */
import { excessLogRatio } from './maths.ts'
import { WINDOW_BINS, type ReportWindows } from './report-windows.ts'
import type { Shape } from './shape.ts'

/** Fewer people than this prove nothing, however few are usual: they may sit in one room. Per window. */
const COUNT_MIN = [5, 6, 7, 7] as const
/** Expected counts are never taken to be smaller than this. Per window. */
const EXPECTED_MIN = [0.25, 0.4, 0.6, 0.8] as const
/** Below this ratio there is nothing to look for. */
const RATIO_MIN = 1.3

export interface ScanResult {
  /** Log-likelihood ratio less the price of the choice; 0: nothing. */
  readonly score: number
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  readonly window: number
  /** Of the chosen subset. */
  readonly count: number
  readonly expected: number
}

export const NOTHING: ScanResult = { score: 0, rows: [], columns: [], window: 0, count: 0, expected: 0 }

interface Scanned {
  readonly shape: Shape
  readonly counts: Float64Array
  /** Where the window's counts begin. */
  readonly from: number
  readonly perBin: Float64Array
  /** From the expectation of one bin to that of the window. */
  readonly scale: number
  readonly rateShape: number
  readonly window: number
}

/** The best subset over all windows. `inflate`, per window, raises the expectation by what another outage explains. */
export function scanReports(
  windows: ReportWindows,
  shape: Shape,
  usual: { perBin: Float64Array; rateShape: number; inflate: readonly number[] },
): ScanResult {
  let best = NOTHING
  for (let window = 0; window < WINDOW_BINS.length; window++) {
    const bins = Math.min(WINDOW_BINS[window]!, windows.filled)
    const scanned: Scanned = {
      shape,
      counts: windows.sums,
      from: window * windows.filling.length,
      perBin: usual.perBin,
      scale: bins * usual.inflate[window]!,
      rateShape: usual.rateShape,
      window,
    }
    const found = scanWindow(scanned)
    if (found.score > best.score) best = found
  }
  return best
}

function scanWindow(scanned: Scanned): ScanResult {
  const { shape } = scanned
  const total = sumOver(scanned, allOf(shape.rows), allOf(shape.columns))
  if (total.count < COUNT_MIN[scanned.window]!) return NOTHING
  const everyRow = allOf(shape.features)
  const everyColumn = allOf(shape.regions)
  let best = scoreOf(scanned, everyRow, everyColumn)
  for (const start of ['rows', 'columns'] as const) {
    let [rows, columns] = [everyRow, everyColumn]
    for (let turn = 0; turn < 2; turn++) {
      const isRows = (start === 'rows') === (turn === 0)
      if (isRows) rows = bestPrefix(scanned, columns, 'rows')
      else columns = bestPrefix(scanned, rows, 'columns')
    }
    const found = scoreOf(scanned, rows, columns)
    if (found.score > best.score) best = found
  }
  return best
}

const SEQUENCES: number[][] = []
function allOf(length: number): readonly number[] {
  return (SEQUENCES[length] ??= Array.from({ length }, (_, index) => index))
}

function sumOver(scanned: Scanned, rows: readonly number[], columns: readonly number[]) {
  const width = scanned.shape.columns
  let [count, expected] = [0, 0]
  for (const row of rows) {
    for (const column of columns) {
      const cell = row * width + column
      count += scanned.counts[scanned.from + cell]!
      expected += scanned.perBin[cell]!
    }
  }
  return { count, expected: expected * scanned.scale }
}

/** Rows (or columns), the likeliest first, cut where the score is best. The other side is fixed. */
function bestPrefix(
  scanned: Scanned,
  others: readonly number[],
  side: 'rows' | 'columns',
): readonly number[] {
  const { shape } = scanned
  const length = side === 'rows' ? shape.features : shape.regions
  if (length === 1) return allOf(1)
  const nameless = side === 'rows' ? shape.features : shape.regions
  const othersToo = [...others, side === 'rows' ? shape.regions : shape.features]
  const sums = (index: number) =>
    side === 'rows' ? sumOver(scanned, [index], othersToo) : sumOver(scanned, othersToo, [index])
  const each = allOf(length).map((index) => ({ index, ...sums(index) }))
  each.sort((a, b) => b.count * a.expected - a.count * b.expected || a.index - b.index)
  const base = sums(nameless)
  let { count, expected } = base
  let [bestScore, bestLength] = [-Infinity, 1]
  for (let taken = 1; taken <= length; taken++) {
    count += each[taken - 1]!.count
    expected += each[taken - 1]!.expected
    const score =
      excessLogRatio(count, floorOf(scanned, expected), scanned.rateShape) - priceOf(taken, length, side)
    if (score > bestScore) [bestScore, bestLength] = [score, taken]
  }
  return each
    .slice(0, bestLength)
    .map(({ index }) => index)
    .sort((a, b) => a - b)
}

const floorOf = (scanned: Scanned, expected: number): number =>
  Math.max(expected, EXPECTED_MIN[scanned.window]!)

/**
 * Roughly the logarithm of how many subsets of that size there are. All regions are the usual case and cost nothing; all
 * features at once cost about as much as a single one.
 */
function priceOf(taken: number, length: number, side: 'rows' | 'columns'): number {
  if (length === 1) return 0
  if (taken === length) return side === 'columns' ? 0 : 1.5
  return (side === 'columns' ? 0.5 : 0) + Math.log(length) * Math.min(taken, length - taken)
}

function scoreOf(scanned: Scanned, rows: readonly number[], columns: readonly number[]): ScanResult {
  const { shape, window } = scanned
  const sums = sumOver(scanned, [...rows, shape.features], [...columns, shape.regions])
  const expected = floorOf(scanned, sums.expected)
  if (sums.count < COUNT_MIN[window]! || sums.count < expected * RATIO_MIN) return NOTHING
  const score =
    excessLogRatio(sums.count, expected, scanned.rateShape) -
    priceOf(rows.length, shape.features, 'rows') -
    priceOf(columns.length, shape.regions, 'columns')
  return score <= 0 ? NOTHING : { score, rows, columns, window, count: sums.count, expected }
}

/** Reports in the window on these rows and columns, with those that name none, and what would be usual. */
export function countWindow(
  windows: ReportWindows,
  shape: Shape,
  subset: { rows: readonly number[]; columns: readonly number[]; window: number; perBin: Float64Array },
): { count: number; expected: number } {
  const scanned: Scanned = {
    shape,
    counts: windows.sums,
    from: subset.window * windows.filling.length,
    perBin: subset.perBin,
    scale: Math.min(WINDOW_BINS[subset.window]!, windows.filled),
    rateShape: 1,
    window: subset.window,
  }
  const sums = sumOver(scanned, [...subset.rows, shape.features], [...subset.columns, shape.regions])
  return { count: sums.count, expected: floorOf(scanned, sums.expected) }
}
