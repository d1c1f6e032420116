/** Response times as a plot with its table behind: the plot for the eye, the table for everybody. */
import type { ResponseTimeView } from '../incidents/index.ts'
import { formatMs, formatTime } from './format.ts'
import { html, type Html } from './html.ts'

const WIDTH = 640
const HEIGHT = 120
const LEFT = 56
const TOP = 8
const BOTTOM = 22
const HOUR_MS = 3_600_000
const FIVE_MINUTES_MS = 300_000
/** Points of one line at most: more can't be told apart at this width. */
const MAX_POINTS = 96

export interface ResponsePlotInput {
  readonly name: string
  readonly points: readonly ResponseTimeView[]
  readonly fromMs: number
  readonly toMs: number
  readonly timeZone: string
}

/** One summary line, the plot, and the hourly table. Gaps stay gaps. */
export function renderResponsePlot(input: ResponsePlotInput): Html {
  const { name, fromMs, toMs } = input
  const points = input.points.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
  if (points.length === 0)
    return html`<p class="sub">No response times of ${name} were measured in this time.</p>`
  const latest = points.at(-1)!
  return html`<p class="sub">
      Half of the checks are answered within ${formatMs(latest.p50Ms)}, 95 % within ${formatMs(latest.p95Ms)}.
    </p>
    ${renderPlot({ ...input, points })}
    <details>
      <summary>The same as a table</summary>
      <div class="scroll">${renderTable({ ...input, points })}</div>
    </details>`
}

function renderPlot(input: ResponsePlotInput): Html {
  const { name, points, fromMs, toMs, timeZone } = input
  const widthMs = Math.max(FIVE_MINUTES_MS, Math.ceil((toMs - fromMs) / MAX_POINTS))
  const merged = mergePoints(points, widthMs)
  const top = niceCeiling(Math.max(...merged.map((point) => point.p95Ms)))
  // A bin may begin before the window does.
  const x = (ms: number) => Math.round(LEFT + (Math.max(0, ms - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT))
  const y = (ms: number) => Math.round(TOP + (1 - Math.min(1, ms / top)) * (HEIGHT - TOP - BOTTOM))
  const line = (pick: (point: ResponseTimeView) => number): string => {
    let d = ''
    let previousMs = -Infinity
    for (const point of merged) {
      const at = `${x(point.atMs)} ${y(pick(point))}`
      // A line of no length is a dot, by its round ends: a point between gaps is seen as well.
      d += point.atMs - previousMs > widthMs * 2.5 ? `M${at}h0` : `L${at}`
      previousMs = point.atMs
    }
    return d
  }
  const last = points.at(-1)!
  return html`<svg
      class="plot"
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="Response times of ${name}: now half within ${formatMs(last.p50Ms)}, 95 % within ${formatMs(last.p95Ms)}; the table below has all hours."
    >
      <path
        class="grid"
        d="M${LEFT} ${y(0)}H${WIDTH}M${LEFT} ${y(top / 2)}H${WIDTH}M${LEFT} ${y(top)}H${WIDTH}"
      />
      <text x="${LEFT - 8}" y="${y(top) + 4}" text-anchor="end">${formatMs(top)}</text>
      <text x="${LEFT - 8}" y="${y(top / 2) + 4}" text-anchor="end">${formatMs(top / 2)}</text>
      <path class="p95" d="${line((point) => point.p95Ms)}" />
      <path class="p50" d="${line((point) => point.p50Ms)}" />
      <text x="${LEFT}" y="${HEIGHT - 4}">${formatTime(new Date(fromMs), timeZone)}</text>
      <text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${formatTime(new Date(toMs), timeZone)}</text>
    </svg>
    <p class="axis"><span>Line: half of the checks</span><span>Dots: 95 % of them</span></p>`
}

function renderTable({ name, points, timeZone }: ResponsePlotInput): Html {
  const rows = mergePoints(points, HOUR_MS).toReversed()
  return html`<table>
    <caption class="vh">
      Response times of ${name} by the hour
    </caption>
    <thead>
      <tr>
        <th scope="col">From</th>
        <th scope="col">Half within</th>
        <th scope="col">95 % within</th>
        <th scope="col">Checks</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <td>${formatTime(new Date(row.atMs), timeZone)}</td>
            <td>${formatMs(row.p50Ms)}</td>
            <td>${formatMs(row.p95Ms)}</td>
            <td>${row.checks}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** Points of equal width; the median of medians by checks would need every sample, so halves are averaged and tails keep their worst. */
export function mergePoints(points: readonly ResponseTimeView[], widthMs: number): ResponseTimeView[] {
  const merged = new Map<number, { sum: number; worst: number; checks: number; parts: number }>()
  for (const { atMs, p50Ms, p95Ms, checks } of points) {
    const startMs = Math.floor(atMs / widthMs) * widthMs
    const bin = merged.get(startMs) ?? { sum: 0, worst: 0, checks: 0, parts: 0 }
    bin.sum += p50Ms
    bin.parts += 1
    bin.worst = Math.max(bin.worst, p95Ms)
    bin.checks += checks
    merged.set(startMs, bin)
  }
  return [...merged].map(([atMs, { sum, parts, worst, checks }]) => ({
    atMs,
    p50Ms: sum / parts,
    p95Ms: worst,
    checks,
  }))
}

/** 1, 2 or 5 times a power of ten, at least this much. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power
}
