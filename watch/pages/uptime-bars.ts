/** Ninety days of a component as a row of bars: a few short paths however long the row, and words beside it. */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { UptimeDayView } from '../incidents/index.ts'
import { formatDay, formatShare } from './format.ts'
import { html, type Html } from './html.ts'
import { componentStatusWords } from './words.ts'

const STEP = 4
const BAR_WIDTH = 3
const HEIGHT = 30
const DAY_MS = 86_400_000

/** Order of the `.b0` … `.b5` classes. */
const CLASS_OF: Readonly<Record<ComponentStatus, number>> = {
  operational: 1,
  degraded_performance: 2,
  partial_outage: 3,
  major_outage: 4,
  under_maintenance: 5,
}

/** What the days say together; null when none of them was watched. Each day counts the same. */
export function uptimeOf(days: readonly UptimeDayView[]): number | null {
  const known = days.flatMap(({ upFraction }) => (upFraction === null ? [] : [upFraction]))
  return known.length === 0 ? null : known.reduce((sum, part) => sum + part, 0) / known.length
}

/** Renders the bars, oldest at the left. Days with a fault carry their own words. */
export function renderUptimeBars(name: string, days: readonly UptimeDayView[]): Html {
  const known = days.filter((day) => day.upFraction !== null).length
  const faulty = days.filter(isFaulty)
  const summary = `${name}, the last ${days.length} days: ${describeUptime(days)}${
    known === 0
      ? ''
      : faulty.length === 0
        ? ', no day with a fault'
        : `, ${faulty.length} ${faulty.length === 1 ? 'day' : 'days'} with a fault`
  }.`
  const width = days.length * STEP
  return html`<svg
      class="bars"
      viewBox="0 0 ${width} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${summary}"
    >
      ${pathsOf(days)}
    </svg>
    <p class="axis">
      <span>${days.length} days</span><span>${describeUptime(days)}</span><span>today</span>
    </p>`
}

/** `99.95 % up`, `not watched yet`, or the share of what was watched, and how much that is. */
export function describeUptime(days: readonly UptimeDayView[]): string {
  const known = days.filter((day) => day.upFraction !== null)
  if (known.length === 0) return 'not watched yet'
  const share = `${formatShare(uptimeOf(days))} up`
  if (known.length === days.length) return share
  const watchedMs = known.reduce((sum, day) => sum + day.watchedMs, 0)
  // Whoever began a minute before midnight has not watched for two days.
  return watchedMs < 2 * DAY_MS
    ? `${share}, watched for ${wordsOf(watchedMs)}`
    : `${share}, ${known.length} days watched`
}

const UNITS = [
  { words: 'day', ms: DAY_MS },
  { words: 'hour', ms: 3_600_000 },
  { words: 'minute', ms: 60_000 },
  { words: 'second', ms: 1_000 },
] as const

/** Rounded down to the largest unit that it has one of: `1 minute`, `23 hours`. */
function wordsOf(durationMs: number): string {
  const { words, ms } = UNITS.find((unit) => durationMs >= unit.ms) ?? UNITS[3]
  const count = Math.floor(durationMs / ms)
  return `${count} ${words}${count === 1 ? '' : 's'}`
}

const isFaulty = (day: UptimeDayView): boolean =>
  day.worst !== null && day.worst !== 'operational' && day.worst !== 'under_maintenance'

const classOf = (day: UptimeDayView): number => (day.worst === null ? 0 : CLASS_OF[day.worst])

/** Runs of days without a fault are one dashed stroke; a day with one is a stroke of its own, with its title. */
function pathsOf(days: readonly UptimeDayView[]): Html[] {
  const runs = new Map<number, string>()
  const faults: Html[] = []
  for (let start = 0; start < days.length;) {
    const day = days[start]!
    const kind = classOf(day)
    if (isFaulty(day)) {
      const words = `${formatDay(day.day)}: ${formatShare(day.upFraction)} up, worst: ${componentStatusWords[day.worst!]}`
      faults.push(
        html`<path class="b${kind}" d="M${start * STEP} 15h${BAR_WIDTH}"><title>${words}</title></path>`,
      )
      start += 1
      continue
    }
    let end = start + 1
    while (end < days.length && !isFaulty(days[end]!) && classOf(days[end]!) === kind) end += 1
    runs.set(kind, `${runs.get(kind) ?? ''}M${start * STEP} 15h${(end - start) * STEP - 1}`)
    start = end
  }
  const dash = `${BAR_WIDTH} ${STEP - BAR_WIDTH}`
  return [
    ...[...runs].map(([kind, d]) => html`<path class="b${kind}" stroke-dasharray="${dash}" d="${d}" />`),
    ...faults,
  ]
}
