/** Who is on call when: layers that take turns, what overrides them, and where nobody is. Pure. */
import { WEEKDAYS, type RotaLayer, type RotaPlan } from '../configuration/index.ts'
import { dayOfDate, instantOf, localDayOf, minuteOf, weekdayOf } from './local-time.ts'

/** Somebody stands in for whoever the plan names. */
export interface Override {
  readonly id: string
  readonly rotaId: string
  readonly personId: string
  readonly fromMs: number
  readonly untilMs: number
}

export interface Rota {
  readonly plan: RotaPlan
  /** The service's: handovers are at the same time of the wall all the year round. */
  readonly timeZone: string
  /** By when they were made: the last one that covers an instant counts. */
  readonly overrides: readonly Override[]
}

export interface OnDuty {
  /** Null: nobody. A gap is told, never filled silently. */
  readonly personId: string | null
  readonly because: 'override' | 'layer' | 'gap'
}

export interface Shift extends OnDuty {
  readonly fromMs: number
  readonly untilMs: number
}

const PERIOD_DAYS = { day: 1, week: 7, 'two-weeks': 14 } as const

/** Who is on call at this instant. */
export function who({ plan, timeZone, overrides }: Rota, atMs: number): OnDuty {
  const override = overrides.findLast(
    ({ rotaId, fromMs, untilMs }) => rotaId === plan.id && fromMs <= atMs && atMs < untilMs,
  )
  if (override) return { personId: override.personId, because: 'override' }
  for (const layer of plan.layers.toReversed()) {
    const personId = personOf(layer, timeZone, atMs)
    if (personId !== null) return { personId, because: 'layer' }
  }
  return { personId: null, because: 'gap' }
}

/** All shifts and gaps between two instants, in their order, without holes between them. */
export function shiftsOf(rota: Rota, fromMs: number, untilMs: number): Shift[] {
  const edges = edgesOf(rota, fromMs, untilMs)
  const shifts: Shift[] = []
  for (const [i, edge] of edges.entries()) {
    const duty = who(rota, edge)
    const endMs = edges[i + 1] ?? untilMs
    const last = shifts.at(-1)
    if (last && last.personId === duty.personId && last.because === duty.because)
      shifts[shifts.length - 1] = { ...last, untilMs: endMs }
    else shifts.push({ ...duty, fromMs: edge, untilMs: endMs })
  }
  return shifts
}

/** Null: the layer has not begun, or does not cover this hour. */
function personOf(layer: RotaLayer, timeZone: string, atMs: number): string | null {
  if (!coversHour(layer, timeZone, atMs)) return null
  const { every, weekday, at } = layer.handover
  const today = localDayOf(atMs, timeZone)
  const day = atMs < instantOf(today, minuteOf(at), timeZone) ? today - 1 : today
  const start = dayOfDate(layer.startsOn)
  if (day < start) return null
  // By weeks: the handover on or before the first day is where counting begins.
  const first = every === 'day' ? start : start - ((weekdayOf(start) - WEEKDAYS.indexOf(weekday) + 7) % 7)
  return layer.people[Math.floor((day - first) / PERIOD_DAYS[every]) % layer.people.length]!
}

function coversHour({ hours }: RotaLayer, timeZone: string, atMs: number): boolean {
  if (!hours) return true
  const today = localDayOf(atMs, timeZone)
  // Hours over midnight belong to the day on which they began.
  return [today - 1, today].some((day) => {
    const span = spanOf(hours, day, timeZone)
    return span !== null && span.fromMs <= atMs && atMs < span.untilMs
  })
}

function spanOf(
  { days, from, until }: NonNullable<RotaLayer['hours']>,
  day: number,
  timeZone: string,
): { readonly fromMs: number; readonly untilMs: number } | null {
  if (!days.includes(WEEKDAYS[weekdayOf(day)]!)) return null
  const isOverMidnight = minuteOf(until) <= minuteOf(from)
  return {
    fromMs: instantOf(day, minuteOf(from), timeZone),
    untilMs: instantOf(isOverMidnight ? day + 1 : day, minuteOf(until), timeZone),
  }
}

/** Every instant at which somebody else may take over, and the first one. */
function edgesOf({ plan, timeZone, overrides }: Rota, fromMs: number, untilMs: number): number[] {
  const edges = new Set([fromMs])
  const add = (atMs: number) => atMs > fromMs && atMs < untilMs && edges.add(atMs)
  for (const { rotaId, ...span } of overrides)
    if (rotaId === plan.id) {
      add(span.fromMs)
      add(span.untilMs)
    }
  const lastDay = localDayOf(untilMs, timeZone)
  for (let day = localDayOf(fromMs, timeZone) - 1; day <= lastDay; day++)
    for (const { handover, hours } of plan.layers) {
      add(instantOf(day, minuteOf(handover.at), timeZone))
      const span = hours && spanOf(hours, day, timeZone)
      if (span) {
        add(span.fromMs)
        add(span.untilMs)
      }
    }
  return [...edges].sort((a, b) => a - b)
}
