/** Reports of the last ten minutes: sliding sums over four windows, per feature and region. */
import { columnFor, rowFor, type Shape } from './shape.ts'
import type { ReportSample } from './types.ts'

/** In bins: half a minute for what is sudden, two and five minutes, and ten for what is small. */
export const WINDOW_BINS = [3, 12, 30, 60] as const
export const TWO_MINUTES = 1
export const TEN_MINUTES = 3
const RING_BINS = 60
const FLOODED = 0.65
const FLOOD_MIN = 8
/** A flood of one kind can't outgrow the arithmetic. */
const COUNT_MAX = 1e9
/** Discounted counts are kept in steps of this, so that sums of them are exact in any order. */
const STEP = 1 / 64

export interface ReportWindows {
  /** The bin that is still filling, per row × column. */
  readonly filling: Float64Array
  readonly ring: Float64Array
  /** Per window, then row × column. */
  readonly sums: Float64Array
  head: number
  /** Bins behind the sums, up to `RING_BINS`. */
  filled: number
  /** All that came, and what was kept of it after discounts: decayed over about ten minutes, and over two. */
  raw: number
  kept: number
  rawLately: number
  keptLately: number
}

export function createReportWindows(shape: Shape): ReportWindows {
  const cells = shape.rows * shape.columns
  return {
    filling: new Float64Array(cells),
    ring: new Float64Array(RING_BINS * cells),
    sums: new Float64Array(WINDOW_BINS.length * cells),
    head: 0,
    filled: 0,
    raw: 0,
    kept: 0,
    rawLately: 0,
    keptLately: 0,
  }
}

/** What a sample counts after its discount, exactly representable. */
export function countOf(sample: ReportSample): number {
  if (!(sample.count > 0) || !(sample.trust > 0)) return 0
  const count = Math.min(sample.count, COUNT_MAX) * Math.min(sample.trust, 1)
  return Math.round(count / STEP) * STEP
}

export function takeReport(windows: ReportWindows, shape: Shape, sample: ReportSample): void {
  const cell = rowFor(shape, sample.featureId) * shape.columns + columnFor(shape, sample.region)
  windows.filling[cell]! += countOf(sample)
  const raw = Math.min(Math.max(sample.count, 0), COUNT_MAX)
  windows.raw += raw
  windows.kept += countOf(sample)
  windows.rawLately += raw
  windows.keptLately += countOf(sample)
}

/** A flood is on that was mostly discounted; what is left of it can't be trusted either. */
export const isFlooded = (windows: ReportWindows): boolean =>
  (windows.raw > FLOOD_MIN && windows.kept < windows.raw * FLOODED) ||
  (windows.rawLately > FLOOD_MIN && windows.keptLately < windows.rawLately * FLOODED)

/** Closes the filling bin: it enters all windows, and each window's oldest leaves. Returns the bin's total. */
export function closeBin(windows: ReportWindows): number {
  const { filling, ring, sums } = windows
  const cells = filling.length
  let total = 0
  for (let cell = 0; cell < cells; cell++) {
    const added = filling[cell]!
    total += added
    for (let window = 0; window < WINDOW_BINS.length; window++) {
      const leaving = (windows.head - WINDOW_BINS[window]! + RING_BINS) % RING_BINS
      sums[window * cells + cell]! += added - ring[leaving * cells + cell]!
    }
    ring[windows.head * cells + cell] = added
  }
  filling.fill(0)
  windows.head = (windows.head + 1) % RING_BINS
  windows.filled = Math.min(windows.filled + 1, RING_BINS)
  windows.raw *= 0.985
  windows.kept *= 0.985
  windows.rawLately *= 0.9
  windows.keptLately *= 0.9
  return total
}

/** After a gap nothing is known of the last ten minutes. */
export function clearWindows(windows: ReportWindows): void {
  windows.ring.fill(0)
  windows.sums.fill(0)
  windows.filled = 0
}
