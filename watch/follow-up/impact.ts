/**
 * What an outage cost people, in user-minutes. Pure.
 *
 * From traffic, per feature and region, summed over slots of five minutes:
 *
 *     lost = max(0, usual requests − (requests − errors)) ÷ requests that one person makes in a minute
 *
 * where the usual is the median of the same slot in the last four weeks (two of them at least), or else of the last six days
 * (two at least). Features of one region are not added up, since it is the same people who miss them: the worst one counts.
 * Regions are. From reports alone it is a lower bound: whoever reported is counted from the report to the end of the outage, at
 * most for the window in which they count once. What is not known stays unknown, with the reason.
 */

export const SLOT_MS = 5 * 60_000
const DAY_MS = 86_400_000
const WEEKS = [7, 14, 21, 28] as const
const DAYS = [1, 2, 3, 4, 5, 6] as const
const ALIKE_MIN = 2

export interface Slot {
  readonly featureId: string
  readonly region: string
  readonly atMs: number
  readonly requests: number
  readonly errors: number
}

export interface ImpactInput {
  readonly fromMs: number
  readonly untilMs: number
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  /** Of the outage and of four weeks before it. */
  readonly slots: readonly Slot[]
  /** Requests of one person in a minute, by feature; a feature that is missing says nothing. */
  readonly requestsPerPersonMinute: ReadonlyMap<string, number>
  /** After discounts. */
  readonly reports: readonly { readonly atMs: number; readonly trusted: number }[]
  readonly reportWindowMs: number
}

export type Impact =
  | {
      readonly kind: 'from-traffic'
      readonly userMinutes: number
      /** 0 to 1: of the slots of the outage, for how many both the usual and the actual requests are known. */
      readonly coverage: number
    }
  | { readonly kind: 'from-reports'; readonly userMinutes: number; readonly reporters: number }
  | { readonly kind: 'unknown'; readonly why: keyof typeof UNKNOWN_WORDS }

export const UNKNOWN_WORDS = {
  'no-rate':
    'no traffic says how many people use it (a feature’s requestsPerPersonMinute is not set), and nobody reported it',
  'no-traffic': 'no requests were counted in that time, and nobody reported it',
  'no-usual':
    'too little is known of the usual traffic (two weeks, or two days, at this hour), and nobody reported it',
} as const

/** The best that the evidence gives. */
export function impactOf(input: ImpactInput): Impact {
  const fromTraffic = countTraffic(input)
  if (typeof fromTraffic !== 'string') return fromTraffic
  const reporters = input.reports.reduce((sum, { trusted }) => sum + trusted, 0)
  if (reporters <= 0) return { kind: 'unknown', why: fromTraffic }
  const userMinutes = input.reports.reduce((sum, { atMs, trusted }) => {
    const lastsMs = Math.max(0, Math.min(input.reportWindowMs, input.untilMs - atMs))
    return sum + (trusted * lastsMs) / 60_000
  }, 0)
  return { kind: 'from-reports', userMinutes, reporters }
}

function countTraffic(input: ImpactInput): Impact | keyof typeof UNKNOWN_WORDS {
  const rated = input.featureIds.filter((id) => input.requestsPerPersonMinute.has(id))
  if (rated.length === 0) return 'no-rate'
  const counts = new Map(
    input.slots.map((slot) => [`${slot.featureId} ${slot.region} ${slot.atMs}`, slot] as const),
  )
  const spans = slotsBetween(input.fromMs, input.untilMs)
  let [userMinutes, known, withTraffic] = [0, 0, 0]
  for (const region of input.regions) {
    let worst = 0
    for (const featureId of rated) {
      let lost = 0
      for (const { atMs, share } of spans) {
        const at = (slotMs: number) => counts.get(`${featureId} ${region} ${slotMs}`)
        const actual = at(atMs)
        const usual = usualOf((daysBefore) => at(atMs - daysBefore * DAY_MS)?.requests)
        if (actual) withTraffic++
        if (!actual || usual === null) continue
        known++
        lost += share * Math.max(0, usual - (actual.requests - actual.errors))
      }
      worst = Math.max(worst, lost / input.requestsPerPersonMinute.get(featureId)!)
    }
    userMinutes += worst
  }
  if (withTraffic === 0) return 'no-traffic'
  if (known === 0) return 'no-usual'
  return {
    kind: 'from-traffic',
    userMinutes,
    coverage: known / (spans.length * rated.length * input.regions.length),
  }
}

/** Slots that the outage touches, with the share of each that lies in it. */
function slotsBetween(fromMs: number, untilMs: number): { readonly atMs: number; readonly share: number }[] {
  const slots = []
  for (let atMs = Math.floor(fromMs / SLOT_MS) * SLOT_MS; atMs < untilMs; atMs += SLOT_MS) {
    const insideMs = Math.min(untilMs, atMs + SLOT_MS) - Math.max(fromMs, atMs)
    slots.push({ atMs, share: insideMs / SLOT_MS })
  }
  return slots
}

function usualOf(requestsBefore: (days: number) => number | undefined): number | null {
  for (const days of [WEEKS, DAYS]) {
    const alike = days.map(requestsBefore).filter((requests) => requests !== undefined)
    if (alike.length >= ALIKE_MIN) return median(alike)
  }
  return null
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const round = (minutes: number): string =>
  (minutes < 10 ? Math.round(minutes * 10) / 10 : Math.round(minutes)).toLocaleString('en')

/** In a sentence, as it stands in the draft. */
export function describeImpact(impact: Impact): string {
  if (impact.kind === 'unknown') return `Impact in user-minutes: unknown, as ${UNKNOWN_WORDS[impact.why]}.`
  if (impact.kind === 'from-reports')
    return `Impact: at least ${round(impact.userMinutes)} user-minutes, counting only those who reported it (${round(impact.reporters)}).`
  const share = Math.floor(impact.coverage * 100)
  return share >= 100
    ? `Impact: about ${round(impact.userMinutes)} user-minutes, from the requests that were missing.`
    : `Impact: at least ${round(impact.userMinutes)} user-minutes, from the requests that were missing in the ${share} % of the time that was counted.`
}
