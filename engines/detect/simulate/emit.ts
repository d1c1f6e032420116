/** From a world to the samples that a watch of it receives, bin by bin, each kind with its own delay and gaps. */
import type { Sample, TrafficSample } from '../types.ts'
import { emitProbes, schedule, type ScheduledCheck } from './emit-probes.ts'
import { emitReports, type CrowdState } from './emit-reports.ts'
import { createSeededRandom, type Random } from './random.ts'
import {
  BIN_MS,
  MINUTE_MS,
  strengthAt,
  type SimulatedOutage,
  type SimulatedService,
  type SimulatedWord,
  type World,
} from './world.ts'

/** Counters are read some time after the interval that they count. */
const TRAFFIC_DELAY_BINS = 2
const CHATTER_DELAY_BINS = 1
const REQUESTS_PER_MIN = { small: 400, medium: 4000, large: 40_000, huge: 400_000 } as const
const REQUEST_NOISE = 0.05
const UNKNOWN_CHANCE = 0.01

export interface Bin {
  /** When the watch has all of these samples. */
  readonly endMs: number
  readonly samples: readonly Sample[]
}

/** One outage while it is simulated: how many people are reporting it. */
export interface LiveOutage {
  readonly outage: SimulatedOutage
  readonly row: readonly number[]
  readonly column: readonly number[]
  /** 0 to 1, behind the strength by people's lag. */
  crowd: number
  strength: number
}

export interface LiveService {
  readonly service: SimulatedService
  readonly random: Random
  readonly outages: LiveOutage[]
  /** Those under way, by bin. */
  active: LiveOutage[]
  readonly checks: ScheduledCheck[]
  readonly crowd: CrowdState
  readonly offsetsMs: readonly number[]
  /** Bins to come: what is on its way. */
  readonly pending: Sample[][]
}

/** All bins of a world, in order. The same world gives the same samples. */
export function* simulate(world: World): Generator<Bin> {
  const random = createSeededRandom(world.seed).fork('signals')
  const live = world.services.map((service) => startService(world, service, random.fork(service.model.id)))
  const byId = new Map(live.map((each) => [each.service.model.id, each]))
  let marker = 0
  for (let atMs = world.startMs; atMs < world.endMs; atMs += BIN_MS) {
    const samples: Sample[] = []
    for (const each of live) {
      followOutages(world, each, atMs)
      samples.push(...(each.pending.shift() ?? []))
      while (each.pending.length < TRAFFIC_DELAY_BINS + 2) each.pending.push([])
    }
    for (const each of live) {
      emitReports(world, each, byId, atMs, samples)
      emitProbes(world, each, atMs, samples)
      if (atMs % MINUTE_MS === 0) {
        emitTraffic(world, each, atMs)
        emitChatter(world, each, atMs)
        emitWords(world.words, each, atMs, samples)
      }
    }
    for (; marker < world.markers.length && world.markers[marker]!.atMs < atMs + BIN_MS; marker++)
      samples.push(world.markers[marker]!)
    yield { endMs: atMs + BIN_MS, samples }
  }
}

function startService(world: World, service: SimulatedService, random: Random): LiveService {
  const { model } = service
  return {
    service,
    random,
    outages: world.outages
      .filter(({ serviceId }) => serviceId === model.id)
      .map((outage) => ({
        outage,
        row: outage.featureIds.map((id) => model.features.findIndex((feature) => feature.id === id)),
        column: outage.regions.map((id) => model.regions.indexOf(id)),
        crowd: 0,
        strength: 0,
      })),
    active: [],
    checks: schedule(service, random.fork('checks')),
    crowd: { drift: 0, gust: 1, rates: new Float64Array(model.regions.length) },
    offsetsMs: model.regions.map((region) => (model.utcOffsetMinutes?.[region] ?? 0) * MINUTE_MS),
    pending: [],
  }
}

/** Half of the late reporters have reported by then. */
const LATE_S = 170

function followOutages(world: World, live: LiveService, atMs: number): void {
  live.active = live.outages.filter((each) => {
    each.strength = strengthAt(each.outage.profile, atMs)
    if (each.strength === 0 && each.crowd < 0.005) {
      each.crowd = 0
      return false
    }
    const ageMs = Math.max(atMs - each.outage.profile[0]![0], 0)
    const { stamina, reportLagS } = world.weather
    const target = each.strength * (stamina + (1 - stamina) * Math.exp(-ageMs / (90 * MINUTE_MS)))
    const lagS = target > each.crowd ? reportLagS : LATE_S
    each.crowd += (target - each.crowd) * (1 - Math.pow(0.5, BIN_MS / 1000 / lagS))
    return true
  })
}

function emitTraffic(world: World, live: LiveService, atMs: number): void {
  const { service, random } = live
  if (!service.hasTraffic) return
  const surge = live.active.reduce(
    (most, { outage, strength }) => Math.max(most, 1 + (outage.surge - 1) * strength),
    1,
  )
  const growth = 1 + (service.growthPerMonth * (atMs - world.startMs)) / (30 * 86_400_000)
  for (const [row, feature] of service.model.features.entries()) {
    for (const [column, region] of service.model.regions.entries()) {
      const rhythm = world.weather.rhythm(atMs + live.offsetsMs[column]!, service)
      let requests =
        REQUESTS_PER_MIN[service.size] *
        service.featureShares[row]! *
        service.regionShares[column]! *
        (0.4 + 0.6 * rhythm) *
        growth *
        surge *
        Math.exp(REQUEST_NOISE * random.normal())
      let [errorRate, diversity] = [0.004, 1]
      for (const each of live.active) {
        if (each.strength === 0) continue
        if (each.outage.surge > 1) diversity = Math.min(diversity, each.outage.diversity)
        if (!each.row.includes(row) || !each.column.includes(column)) continue
        requests *= 1 - (1 - each.outage.trafficRatio) * each.strength
        errorRate = Math.max(errorRate, each.outage.errorRate * each.strength)
      }
      const isUnknown = random.chance(UNKNOWN_CHANCE)
      const whole = Math.round(requests)
      const sample: TrafficSample = {
        kind: 'traffic',
        serviceId: service.model.id,
        atMs,
        featureId: feature.id,
        region,
        intervalMs: MINUTE_MS,
        requests: isUnknown ? null : whole,
        errors: isUnknown ? null : random.poisson(whole * errorRate),
        bytes: null,
        diversity: random.chance(0.9) ? diversity : null,
      }
      live.pending[TRAFFIC_DELAY_BINS - 1]!.push(sample)
    }
  }
}

function emitChatter(world: World, live: LiveService, atMs: number): void {
  const { service, random } = live
  if (service.chatterPerMin === null) return
  const rhythm = world.weather.rhythm(atMs + live.offsetsMs[0]!, service)
  const share = (each: LiveOutage): number => each.outage.regions.length / service.model.regions.length
  const excess = live.active.reduce(
    (sum, each) => sum + (each.outage.chatterFactor - 1) * each.crowd * share(each),
    0,
  )
  const count = random.poisson(service.chatterPerMin * (rhythm + excess) * random.gamma(6))
  live.pending[CHATTER_DELAY_BINS - 1]!.push({
    kind: 'chatter',
    serviceId: service.model.id,
    atMs,
    intervalMs: MINUTE_MS,
    count,
  })
}

function emitWords(
  words: readonly SimulatedWord[],
  live: LiveService,
  atMs: number,
  samples: Sample[],
): void {
  if (!live.service.hasWord) return
  const serviceId = live.service.model.id
  for (const { id } of live.service.model.features) {
    const said = words.find(
      (word) =>
        word.serviceId === serviceId && word.featureId === id && atMs >= word.fromMs && atMs < word.toMs,
    )
    samples.push({ kind: 'word', serviceId, atMs, featureId: id, status: said?.status ?? 'operational' })
  }
}
