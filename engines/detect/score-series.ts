/**
 * How unusual each value of any series is, from 0 to 1: causal, in bounded memory, with one setting for all series.
 *
 * A value is unusual when it sets a record that matters: outside the range seen so far, by itself or smoothed; a spread
 * of the latest values never seen so large or so small; a shape farther from every earlier one than any before; a
 * residual against this time of day larger than any before. Records get rarer by themselves as a series gets longer, and
 * after one of them the next has to be larger still, or later, to score as high.
 */
export interface SeriesPoint {
  /** Null where there is none that can be read; then the time of day plays no part. */
  readonly atMs: number | null
  /** Null where it is missing; it then scores 0 and teaches nothing. */
  readonly value: number | null
}

/** Nothing is called unusual before so many values. */
const WARM_UP = 60
/** The score climbs to its whole height only slowly: early records are cheap. */
const RIPE_AFTER = 400
const SHORT = 8
const LONG = 48
const SHAPES = [12, 48] as const
/** Shapes that are remembered, per length. */
const LIBRARY_MAX = 256
const DAY_MS = 86_400_000
const DAY_SLOTS = 48
/** After an alarm the score is held down, and recovers over about so many values. */
const REFRACTORY = 160
/** A record this much beyond the old one, relative to the range, gives half the score. */
const HALF_AT = { value: 0.12, smooth: 0.08, spread: 0.6, shape: 0.35, daily: 0.3 } as const

/** Scores one value after the other. */
export interface SeriesScorer {
  /** @returns the score of this value, from 0 to 1; it depends on no later one. */
  readonly score: (point: SeriesPoint) => number
}

/** Scores a whole series, in order. */
export function scoreSeries(points: readonly SeriesPoint[]): number[] {
  const scorer = createSeriesScorer()
  return points.map((point) => scorer.score(point))
}

export function createSeriesScorer(): SeriesScorer {
  const range = createRange()
  const smooths = [SHORT, LONG].map((length) => ({ mean: createMean(length), range: createRange() }))
  const spread = createSpread(16)
  const shapes = SHAPES.map(createShapes)
  const daily = createDaily()
  let seen = 0
  let held = 0
  return {
    score({ atMs, value }: SeriesPoint): number {
      if (value === null || !Number.isFinite(value)) return 0
      seen++
      const width = range.width()
      const novelties = [
        squash(range.exceed(value, width), HALF_AT.value),
        ...smooths.map(({ mean, range: own }) => {
          const smoothed = mean(value)
          return smoothed === null ? 0 : squash(own.exceed(smoothed, width), HALF_AT.smooth)
        }),
        squash(spread(value, width), HALF_AT.spread) * 0.8,
        ...shapes.map((shape) => squash(shape(value, width), HALF_AT.shape) * 0.8),
        squash(daily(atMs, value, width), HALF_AT.daily) * 0.8,
      ]
      if (seen <= WARM_UP) return 0
      // Several weak records at once are stronger than one, but they are not independent.
      const most = Math.max(...novelties)
      const others = novelties.reduce((sum, each) => sum + each, 0) - most
      const whole = Math.min(most + 0.15 * others * (1 - most), 1)
      const ripe = Math.min((seen - WARM_UP) / (RIPE_AFTER - WARM_UP), 1)
      const raw = whole * (0.4 + 0.6 * ripe)
      const score = Math.max(raw - held, 0)
      held = Math.max(held * (1 - 1 / REFRACTORY), score > 0.3 ? Math.min(raw * 0.9, 0.9) : 0)
      return score
    },
  }
}

const squash = (excess: number, half: number): number => excess / (excess + half)

/** The range of all values so far. `exceed` says by how much of `width` a value leaves it, and takes it in. */
function createRange() {
  let [low, high] = [Infinity, -Infinity]
  return {
    width: (): number => (high > low ? high - low : 0),
    exceed(value: number, width: number): number {
      const isFirst = low > high
      const excess = isFirst ? 0 : Math.max(value - high, low - value, 0)
      low = Math.min(low, value)
      high = Math.max(high, value)
      if (excess === 0) return 0
      // A series that never moved has no range to compare with: any move is a whole one.
      return width > 0 ? excess / width : 1
    },
  }
}

/** Mean of the last `length` values; null before there are so many. */
function createMean(length: number): (value: number) => number | null {
  const ring = new Float64Array(length)
  let count = 0
  return (value) => {
    ring[count % length] = value
    count++
    if (count < length) return null
    // Summed anew: differences of large sums would drift.
    let sum = 0
    for (const each of ring) sum += each
    return sum / length
  }
}

/** The logarithm of the spread of the last values, against its own range so far. */
function createSpread(length: number): (value: number, width: number) => number {
  const ring = new Float64Array(length)
  let [count, low, high] = [0, Infinity, -Infinity]
  return (value, width) => {
    ring[count % length] = value
    count++
    if (count < length || width === 0) return 0
    let [sum, squares] = [0, 0]
    for (const each of ring) sum += each
    for (const each of ring) squares += (each - sum / length) ** 2
    const spread = Math.log(Math.sqrt(squares / length) + width * 0.01)
    const excess = low > high ? 0 : Math.max(spread - high, (low - spread) * 0.5, 0)
    low = Math.min(low, spread)
    high = Math.max(high, spread)
    return excess
  }
}

/**
 * Distance of the latest `length` values, less their mean, from the nearest remembered earlier stretch, against the
 * largest such distance so far. The library keeps a thinned sample: every second one goes when it is full.
 */
function createShapes(length: number): (value: number, width: number) => number {
  const step = Math.max(length / 4, 1)
  const recent: number[] = []
  const waiting: { readonly shape: Float64Array; readonly at: number }[] = []
  let library: Float64Array[] = []
  let stride = 1
  let [count, taken, record] = [0, 0, 0]
  return (value, width) => {
    recent.push(value)
    if (recent.length > length) recent.shift()
    count++
    if (count < length || count % step !== 0 || width === 0) return 0
    const mean = recent.reduce((sum, each) => sum + each, 0) / length
    const shape = Float64Array.from(recent, (each) => each - mean)
    let nearest = Infinity
    for (const known of library) nearest = Math.min(nearest, distanceOf(shape, known, nearest))
    // A stretch must not be compared with one that it overlaps.
    waiting.push({ shape, at: count })
    while (waiting.length > 0 && waiting[0]!.at <= count - length) {
      if (taken % stride === 0) library.push(waiting[0]!.shape)
      taken++
      waiting.shift()
    }
    if (library.length >= LIBRARY_MAX) {
      library = library.filter((_, at) => at % 2 === 0)
      stride *= 2
    }
    if (nearest === Infinity) return 0
    const distance = Math.sqrt(nearest / length) / width
    const excess = record > 0 ? Math.max(distance - record, 0) / Math.max(record, 0.03) : 0
    record = Math.max(record, distance)
    return count > length * 6 ? excess : 0
  }
}

/** Squared distance, given up once it is larger than `limit`. */
function distanceOf(a: Float64Array, b: Float64Array, limit: number): number {
  let sum = 0
  for (let at = 0; at < a.length && sum < limit; at++) sum += (a[at]! - b[at]!) ** 2
  return sum
}

/** Residual against the mean at this time of day, smoothed a little, against the largest so far. */
function createDaily(): (atMs: number | null, value: number, width: number) => number {
  const means = new Float64Array(DAY_SLOTS)
  const counts = new Float64Array(DAY_SLOTS)
  let [smooth, record, known] = [0, 0, 0]
  return (atMs, value, width) => {
    if (atMs === null || !Number.isFinite(atMs)) return 0
    const slot = Math.floor((((atMs % DAY_MS) + DAY_MS) % DAY_MS) / (DAY_MS / DAY_SLOTS))
    const isKnown = counts[slot]! >= 2 && width > 0
    const residual = isKnown ? (value - means[slot]!) / width : 0
    counts[slot]!++
    means[slot]! += (value - means[slot]!) / Math.min(counts[slot]!, 40)
    if (!isKnown) return 0
    known++
    smooth += 0.4 * (residual - smooth)
    const size = Math.abs(smooth)
    const excess = Math.max(size - record, 0) / Math.max(record, 0.05)
    record = Math.max(record, size)
    return known > DAY_SLOTS * 2 ? excess : 0
  }
}
