/** The first generator: a month of four services with everything that usually happens to them. */
import type { MarkerSample } from '../types.ts'
import { CAUSE_WEIGHTS, createFault } from './faults.ts'
import { createSeededRandom, type Random } from './random.ts'
import { createServices } from './services.ts'
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  truthOf,
  type SimulatedNoise,
  type SimulatedOutage,
  type SimulatedService,
  type SimulatedWord,
  type Weather,
  type World,
} from './world.ts'

export const WORLD_START_MS = Date.UTC(2026, 0, 5)
const OUTAGES_PER_MONTH = 5
/** Nobody can judge a detector by what breaks before it has seen anything. */
const FIRST_AFTER_MS = 12 * HOUR_MS
const APART_MS = 3 * HOUR_MS

/** A world of four services for so many days. The same seed gives the same world. */
export function createMonth(input: { seed: number; days?: number }): World {
  const days = input.days ?? 30
  const random = createSeededRandom(input.seed).fork('month')
  const [startMs, endMs] = [WORLD_START_MS, WORLD_START_MS + days * DAY_MS]
  const services = createServices(random)
  const planned = services.map((service) =>
    planService(service, { startMs, endMs }, random.fork(service.model.id)),
  )
  return {
    seed: input.seed,
    startMs,
    endMs,
    services,
    outages: planned.flatMap(({ outages }) => outages),
    noises: planned.flatMap(({ noises }) => noises),
    words: planned.flatMap(({ words }) => words),
    markers: planned.flatMap(({ markers }) => markers).sort((a, b) => a.atMs - b.atMs),
    weather: usualWeather(random.fork('weather'), startMs, days),
    mixUps: new Map(services.map(({ model }) => [model.id, random.logNormal(0.12, 0.5)])),
  }
}

export interface Plan {
  readonly outages: SimulatedOutage[]
  readonly noises: SimulatedNoise[]
  readonly words: SimulatedWord[]
  readonly markers: MarkerSample[]
}

interface Span {
  readonly startMs: number
  readonly endMs: number
}

function planService(service: SimulatedService, span: Span, random: Random): Plan {
  const months = (span.endMs - span.startMs) / (30 * DAY_MS)
  const outages: SimulatedOutage[] = []
  const markers = [...backgroundMarkers(service, span, random)]
  const wanted = random.poisson(OUTAGES_PER_MONTH * months)
  for (let tried = 0; outages.length < wanted && tried < 200; tried++) {
    const atMs = random.between(span.startMs + FIRST_AFTER_MS, span.endMs - 4 * HOUR_MS)
    const fault = createFault(service, random.pickWeighted(CAUSE_WEIGHTS), atMs, random)
    const lastMs = fault.outage.profile.at(-1)![0]
    const isFree = outages.every(
      ({ profile }) => atMs > profile.at(-1)![0] + APART_MS || lastMs + APART_MS < profile[0]![0],
    )
    if (!isFree || lastMs > span.endMs - 2 * HOUR_MS) continue
    outages.push(fault.outage)
    markers.push(...fault.markers)
  }
  return {
    outages,
    markers,
    noises: planNoises(service, span, random),
    words: planWords(service, outages, span, random),
  }
}

/** Releases and pushes that break nothing: about one a day each. */
function* backgroundMarkers(service: SimulatedService, span: Span, random: Random): Generator<MarkerSample> {
  for (const what of ['release', 'configuration'] as const) {
    for (let atMs = span.startMs; atMs < span.endMs; atMs += random.between(0.3, 1.7) * DAY_MS) {
      const featureIds = random.subset(
        service.model.features.map(({ id }) => id),
        random.pick([1, 2]),
      )
      yield { kind: 'marker', serviceId: service.model.id, atMs, what, featureIds, regions: [] }
    }
  }
}

export function planNoises(service: SimulatedService, span: Span, random: Random): SimulatedNoise[] {
  const months = (span.endMs - span.startMs) / (30 * DAY_MS)
  const noises: SimulatedNoise[] = []
  const add = (
    kind: SimulatedNoise['kind'],
    perMonth: number,
    minutes: readonly [number, number],
    strength: () => number,
    vantageId: () => string | null = () => null,
  ): void => {
    for (let left = random.poisson(perMonth * months); left > 0; left--) {
      const fromMs = random.between(span.startMs + HOUR_MS, span.endMs)
      const toMs = fromMs + random.between(...minutes) * MINUTE_MS
      noises.push({
        serviceId: service.model.id,
        fromMs,
        toMs,
        kind,
        strength: strength(),
        vantageId: vantageId(),
      })
    }
  }
  const anyVantage = (): string => random.pick(service.vantages).id
  add('burst', 6, [4, 25], () => random.between(1.4, 2.6))
  add('brigade', 1.5, [5, 20], () => service.reportsPerMin * random.between(5, 20) + random.between(2, 10))
  add('blind', 3, [3, 30], () => 1, anyVantage)
  // A path that fails without knowing it.
  add('vantage', 1, [2, 15], () => 1, anyVantage)
  add('intake', 0.5, [5, 30], () => 1)
  return noises
}

/** Services confess late, most of the time; sometimes they speak of things that nobody feels. */
function planWords(
  service: SimulatedService,
  outages: readonly SimulatedOutage[],
  span: Span,
  random: Random,
): SimulatedWord[] {
  if (!service.hasWord) return []
  const words: SimulatedWord[] = []
  for (const outage of outages) {
    if (outage.cause === 'local' || random.chance(0.3)) continue
    const { startMs, endMs } = truthOf(outage)
    const fromMs = startMs + random.logNormal(14, 0.7) * MINUTE_MS
    const toMs = endMs + random.logNormal(15, 0.7) * MINUTE_MS
    const status = outage.isMajor ? random.pick(['major', 'partial', 'degraded'] as const) : 'degraded'
    words.push({ serviceId: service.model.id, fromMs, toMs, featureId: outage.featureIds[0]!, status })
  }
  if (random.chance(0.5)) {
    const fromMs = random.between(span.startMs, span.endMs - 8 * HOUR_MS)
    const featureId = random.pick(service.model.features).id
    words.push({
      serviceId: service.model.id,
      fromMs,
      toMs: fromMs + random.between(1, 8) * HOUR_MS,
      featureId,
      status: 'degraded',
    })
  }
  return words
}

/** Days with an evening peak, quieter nights, other weekends, and a holiday or two. */
export function usualWeather(random: Random, startMs: number, days: number): Weather {
  const holidays = new Set(
    Array.from({ length: Math.round(days / 15) }, () => Math.floor(random.uniform() * days)),
  )
  return {
    rhythm: (localMs) => {
      const hour = (localMs / HOUR_MS) % 24
      const day = Math.floor(localMs / DAY_MS)
      const isFree = (day + 4) % 7 === 0 || (day + 4) % 7 === 6
      const isHoliday = holidays.has(day - Math.floor(startMs / DAY_MS))
      // Hours from half past eight in the evening, either way round the clock.
      const late = Math.abs(((hour - 20.5 + 36) % 24) - 12)
      const evening = Math.exp(-(late ** 2) / 14)
      const noon = Math.exp(-((hour - 13) ** 2) / 18)
      const shape = 0.35 + 1.3 * evening + (isFree || isHoliday ? 0.9 : 0.5) * noon
      return shape * (isHoliday ? 1.3 : 1)
    },
    noise: 'slow',
    noiseSpread: 0.22,
    reportLagS: 25,
    stamina: 0.4,
    flakyChecks: 0.002,
  }
}
