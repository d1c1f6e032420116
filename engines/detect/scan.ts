/**
 * The scan: which subset of features × regions has more reports than expected, and how surely.
 *
 * Expectation-based, over four windows. Within a fixed set of rows the best subset of columns is among the prefixes of
 * the columns ordered by count over expectation (linear-time subset scanning: Neill 2012), so alternating between rows
 * and columns needs no search through all subsets. Reports that name no feature or no region belong to every subset.
 * Smaller subsets pay for being one of many that could have been picked.
 */
import { clamp, excessLogRatio } from './maths.ts'
import { WINDOW_BINS, type ReportWindows } from './report-windows.ts'
import type { Shape } from './shape.ts'

/** Fewer people than this prove nothing, however few are usual: they may sit in one room. Per window. */
const COUNT_MIN = [5, 6, 7, 7] as const
/** Expected counts are never taken to be smaller than this. Per window. */
const EXPECTED_MIN = [0.25, 0.4, 0.6, 0.8] as const
/**
 * Some minutes are simply busy: a rate of this factor, for a whole service and for a part of it while the rest is quiet,
 * is so common (in nats) that an outage has to explain more than it.
 */
export const BURST_FACTOR = 2
const REGIONAL_BURST_FACTOR = 1.4
export const BURST_PRICE = 3
/** Short windows are looked at more often, so to say: more of them fit into a month. */
const LOOKS_PRICE = [2, 1, 0.5, 0] as const
/** How many expected reports elsewhere it takes to believe what they say of the day, and how busy a day may be. */
const OTHERS_PRIOR = 6
const BUSY_MAX = 3
const SHARED_NOISE = 0.6
/** Below this ratio there is nothing to look for. */
const RATIO_MIN = 1.3
const LINE_RATIO = 1.5

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
  if (total.count < COUNT_MIN[scanned.window]! || !standsOut(scanned)) return NOTHING
  const everyRow = allOf(shape.features)
  const everyColumn = allOf(shape.regions)
  let best = scoreOf(scanned, everyRow, everyColumn, total)
  for (const start of ['rows', 'columns'] as const) {
    let [rows, columns] = [everyRow, everyColumn]
    for (let turn = 0; turn < 2; turn++) {
      const isRows = (start === 'rows') === (turn === 0)
      if (isRows) rows = bestPrefix(scanned, columns, 'rows')
      else columns = bestPrefix(scanned, rows, 'columns')
    }
    const found = scoreOf(scanned, rows, columns, total)
    if (found.score > best.score) best = found
  }
  return best
}

/** Whether any row or column by itself has unusually many: without one no subset has. Spares the search in quiet times. */
function standsOut(scanned: Scanned): boolean {
  const { shape, counts, from, perBin, scale } = scanned
  const isHigh = (count: number, expected: number): boolean =>
    count >= 3 && count > LINE_RATIO * expected * scale
  for (let row = 0; row < shape.rows; row++) {
    let [count, expected] = [0, 0]
    for (let cell = row * shape.columns; cell < (row + 1) * shape.columns; cell++) {
      count += counts[from + cell]!
      expected += perBin[cell]!
    }
    if (isHigh(count, expected)) return true
  }
  for (let column = 0; column < shape.columns; column++) {
    let [count, expected] = [0, 0]
    for (let cell = column; cell < shape.rows * shape.columns; cell += shape.columns) {
      count += counts[from + cell]!
      expected += perBin[cell]!
    }
    if (isHigh(count, expected)) return true
  }
  return false
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
  if (taken === length) return side === 'columns' ? 0 : 1
  return (side === 'columns' ? 0.3 : 0) + 0.8 * Math.log(length) * Math.min(taken, length - taken)
}

function scoreOf(
  scanned: Scanned,
  rows: readonly number[],
  columns: readonly number[],
  total: { count: number; expected: number },
): ScanResult {
  const { shape, window } = scanned
  const sums = sumOver(scanned, [...rows, shape.features], [...columns, shape.regions])
  const others = { count: total.count - sums.count, expected: Math.max(total.expected - sums.expected, 0) }
  // What the rest of the service does at the same time is the better expectation: a busy day is busy everywhere.
  const busy = clamp((others.count + OTHERS_PRIOR) / (others.expected + OTHERS_PRIOR), 1, BUSY_MAX)
  const expected = floorOf(scanned, sums.expected * busy)
  if (sums.count < COUNT_MIN[window]! || sums.count < expected * RATIO_MIN) return NOTHING
  // The noise that all share is then known, too.
  const shared = others.expected / (others.expected + OTHERS_PRIOR)
  const rateShape = scanned.rateShape / (1 - SHARED_NOISE * shared)
  const burst = BURST_FACTOR - (BURST_FACTOR - REGIONAL_BURST_FACTOR) * shared
  const score =
    Math.min(
      excessLogRatio(sums.count, expected, rateShape),
      BURST_PRICE + excessLogRatio(sums.count, expected * burst, rateShape),
    ) -
    LOOKS_PRICE[window]! -
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
