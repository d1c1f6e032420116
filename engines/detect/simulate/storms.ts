/**
 * The second generator, built otherwise than the first: other onsets (creeping, flapping, in steps), failures that nobody
 * reports, two causes at once, gusty noise with heavy tails, another day. The detector was not tuned on it.
 */
import type { Cause, MarkerSample } from '../types.ts'
import { createFault } from './faults.ts'
import { planNoises, WORLD_START_MS } from './month.ts'
import { createSeededRandom, type Random } from './random.ts'
import { createServices } from './services.ts'
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  type Profile,
  type SimulatedOutage,
  type SimulatedService,
  type Weather,
  type World,
} from './world.ts'

const SHAPES = ['creeping', 'flapping', 'steps', 'sudden'] as const
const CAUSES_DRAWN: readonly (readonly [Cause, number])[] = [
  ['overload', 1],
  ['rollout', 1],
  ['edge', 1],
  ['dns', 1],
  ['network', 1],
  ['attack', 1],
  ['unknown', 1],
]
const APART_MS = 8 * HOUR_MS

/** A world of four services for so many days. The same seed gives the same world. */
export function createStorms(input: { seed: number; days?: number }): World {
  const days = input.days ?? 30
  const random = createSeededRandom(input.seed).fork('storms')
  const [startMs, endMs] = [WORLD_START_MS, WORLD_START_MS + days * DAY_MS]
  const services = createServices(random)
  const planned = services.map((service) => planFaults(service, startMs, days, random.fork(service.model.id)))
  return {
    seed: input.seed,
    startMs,
    endMs,
    services,
    outages: planned.flatMap(({ outages }) => outages),
    noises: services.flatMap((service) =>
      planNoises(service, { startMs, endMs }, random.fork(`noise ${service.model.id}`)),
    ),
    words: [],
    markers: planned.flatMap(({ markers }) => markers).sort((a, b) => a.atMs - b.atMs),
    weather: gustyWeather(),
    mixUps: new Map(services.map(({ model }) => [model.id, random.between(0.02, 0.3)])),
  }
}

function planFaults(
  service: SimulatedService,
  startMs: number,
  days: number,
  random: Random,
): { outages: SimulatedOutage[]; markers: MarkerSample[] } {
  const outages: SimulatedOutage[] = []
  const markers: MarkerSample[] = []
  let atMs = startMs + random.between(1, 4) * DAY_MS
  while (atMs < startMs + (days - 1) * DAY_MS) {
    const fault = createFault(service, random.pickWeighted(CAUSES_DRAWN), atMs, random)
    const shaped = { ...fault.outage, profile: reshape(fault.outage.profile, random.pick(SHAPES), random) }
    const isSilent = random.chance(0.15)
    outages.push(isSilent ? { ...shaped, reportFactor: 1, chatterFactor: 1 } : shaped)
    markers.push(...fault.markers)
    if (random.chance(0.2)) {
      const second = addSecond(service, fault.outage, random)
      if (second !== null) outages.push(second)
    }
    atMs =
      Math.max(...outages.map(({ profile }) => profile.at(-1)![0])) +
      APART_MS +
      random.between(0, 10) * DAY_MS
  }
  return { outages, markers }
}

/** Another feature of the same service breaks for another reason before the first is mended. */
function addSecond(
  service: SimulatedService,
  first: SimulatedOutage,
  random: Random,
): SimulatedOutage | null {
  const left = service.model.features.map(({ id }) => id).filter((id) => !first.featureIds.includes(id))
  if (left.length === 0) return null
  const atMs = first.profile[0]![0] + random.between(10, 30) * MINUTE_MS
  const { outage } = createFault(service, 'unknown', atMs, random)
  return { ...outage, featureIds: random.subset(left, 1) }
}

function reshape(profile: Profile, shape: (typeof SHAPES)[number], random: Random): Profile {
  const fromMs = profile[0]![0]
  const toMs = Math.max(profile.at(-1)![0], fromMs + 12 * MINUTE_MS)
  switch (shape) {
    case 'creeping': {
      // An S-curve over some minutes.
      const riseMs = random.between(3, 12) * MINUTE_MS
      const points = Array.from({ length: 9 }, (_, at) => {
        const share = at / 8
        return [fromMs + riseMs * share, share * share * (3 - 2 * share)] as const
      })
      return [...points, [toMs + riseMs, 1], [toMs + riseMs + 3 * MINUTE_MS, 0]]
    }
    case 'flapping': {
      const points: (readonly [number, number])[] = [[fromMs, 0]]
      for (let atMs = fromMs + 10_000; atMs < toMs;) {
        const onMs = random.between(3, 8) * MINUTE_MS
        const offMs = random.between(1, 4) * MINUTE_MS
        points.push([atMs, 1], [atMs + onMs, 1], [atMs + onMs + 5000, 0.05], [atMs + onMs + offMs, 0.05])
        atMs += onMs + offMs + 5000
      }
      const endMs = points.at(-1)![0]
      return [...points, [endMs + 5000, 1], [endMs + 6 * MINUTE_MS, 1], [endMs + 7 * MINUTE_MS, 0]]
    }
    case 'steps':
      return [
        [fromMs, 0],
        [fromMs + 20_000, 0.6],
        [fromMs + (toMs - fromMs) * 0.3, 0.6],
        [fromMs + (toMs - fromMs) * 0.3 + 20_000, 1],
        [fromMs + (toMs - fromMs) * 0.8, 1],
        [fromMs + (toMs - fromMs) * 0.8 + 20_000, 0.4],
        [toMs, 0.4],
        [toMs + 20_000, 0],
      ]
    case 'sudden':
      return profile
  }
}

/** Two peaks a day, nearly dead nights, weekends upside down, and a factor of its own for each ten minutes. */
const gustyWeather = (): Weather => ({
  rhythm: (localMs) => {
    const hour = (localMs / HOUR_MS) % 24
    const day = Math.floor(localMs / DAY_MS)
    const isFree = (day + 4) % 7 === 0 || (day + 4) % 7 === 6
    const peak = (at: number, width: number): number => {
      const away = Math.abs(((hour - at + 36) % 24) - 12)
      return Math.exp(-((away / width) ** 2))
    }
    return 0.15 + (isFree ? 0.6 : 1.2) * peak(9, 2) + (isFree ? 1.4 : 0.8) * peak(22, 3) + 0.5 * peak(15, 4)
  },
  noise: 'gusts',
  noiseSpread: 0.35,
  reportLagS: 40,
  stamina: 1,
  flakyChecks: 0.003,
})
