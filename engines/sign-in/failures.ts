/** How many sign-ins from unknown devices fail in all, over three spans of time, each beside its own baseline. */

export interface FailuresState {
  readonly spans: readonly SpanState[]
}

interface SpanState {
  readonly bins: readonly { readonly wrong: number; readonly right: number }[]
  readonly bin: number
  /** Failures per span, smoothed over whole calm spans; null: none has passed yet. */
  readonly baseline: number | null
}

/** A stuffing run in a hurry, one over an hour, and one that takes its time. */
export const SPANS_MS = [300_000, 3_600_000, 86_400_000] as const
const BINS = 30
/** Each new span weighs so much in the baseline: it forgets over a week of days, or two hours of five minutes. */
const SMOOTHING = [0.04, 0.04, 0.15] as const

/** From so many failures on a span is judged at all; from twice as many strangers are asked to confirm. */
export const RAISED_FAILURES = 12
export const ATTACK_FAILURES = 24
/** People who mistype come in within three tries: of a list that leaked nearly all are wrong. */
const RAISED_SHARE = 0.6
const ATTACK_SHARE = 0.7
/** Over its own baseline: so many times as much, and so many standard deviations (Poisson). */
const FACTOR = 2
const DEVIATIONS = 6

export type Alarm = 'calm' | 'raised' | 'attack'

export interface Failures {
  note(isRight: boolean, nowMs: number): void
  /** The worst of the spans. */
  judge(nowMs: number): Alarm
  /** Failures of the last five minutes, and what is usual: null while nothing is known. */
  figures(nowMs: number): { readonly failures: number; readonly baseline: number | null }
  save(): FailuresState
}

/** Begins with no baseline, or with what was saved. */
export function createFailures(saved?: FailuresState): Failures {
  const spans = SPANS_MS.map((ms, at) => createSpan(ms, SMOOTHING[at]!, saved?.spans[at]))
  return {
    note: (isRight, nowMs) => spans.forEach((span) => span.note(isRight, nowMs)),
    judge(nowMs) {
      const alarms = spans.map((span) => span.judge(nowMs))
      return alarms.includes('attack') ? 'attack' : alarms.includes('raised') ? 'raised' : 'calm'
    },
    figures: (nowMs) => spans[0]!.figures(nowMs),
    save: () => ({ spans: spans.map((span) => span.save()) }),
  }
}

function createSpan(spanMs: number, smoothing: number, saved?: SpanState) {
  const binMs = spanMs / BINS
  const bins = saved ? saved.bins.map((bin) => ({ ...bin })) : emptyBins()
  let current = saved?.bin ?? -1
  let baseline = saved?.baseline ?? null

  function turn(nowMs: number): void {
    const bin = Math.floor(nowMs / binMs)
    if (current < 0) current = bin
    // A clock that was set back adds to the bin that is there.
    const passed = Math.min(bin - current, BINS)
    for (let step = 0; step < passed; step++) {
      if ((current + step + 1) % BINS === 0) learn()
      bins[(current + step + 1) % BINS] = { wrong: 0, right: 0 }
    }
    if (bin > current) current = bin
  }
  /** Once a span: an attack teaches nothing of what is usual. */
  function learn(): void {
    const { wrong } = sums()
    if (verdict() === 'attack') return
    baseline = baseline === null ? wrong : baseline + smoothing * (wrong - baseline)
  }
  const sums = () =>
    bins.reduce((sum, bin) => ({ wrong: sum.wrong + bin.wrong, right: sum.right + bin.right }))
  function verdict(): Alarm {
    const { wrong, right } = sums()
    const share = wrong / Math.max(1, wrong + right)
    const isBeyond = (least: number) =>
      baseline !== null && wrong >= least && wrong > FACTOR * baseline + DEVIATIONS * Math.sqrt(baseline)
    // Where strangers come in great numbers, as many wrong ones as usual say nothing by their share.
    const isUsual = baseline !== null && wrong <= baseline + 2 * Math.sqrt(baseline)
    if (isUsual) return 'calm'
    if (wrong >= ATTACK_FAILURES && (share >= ATTACK_SHARE || isBeyond(ATTACK_FAILURES))) return 'attack'
    if (wrong >= RAISED_FAILURES && (share >= RAISED_SHARE || isBeyond(RAISED_FAILURES))) return 'raised'
    return 'calm'
  }
  return {
    note(isRight: boolean, nowMs: number): void {
      turn(nowMs)
      bins[current % BINS]![isRight ? 'right' : 'wrong'] += 1
    },
    judge(nowMs: number): Alarm {
      turn(nowMs)
      return verdict()
    },
    figures(nowMs: number) {
      turn(nowMs)
      return { failures: sums().wrong, baseline }
    },
    save: (): SpanState => ({ bins: bins.map((bin) => ({ ...bin })), bin: current, baseline }),
  }
}

const emptyBins = () => Array.from({ length: BINS }, () => ({ wrong: 0, right: 0 }))
