/** People: those who always have something to report, those whom an outage hits, and those who only pretend. */
import type { Sample } from '../types.ts'
import type { LiveOutage, LiveService } from './emit.ts'
import type { World } from './world.ts'

const BIN_MIN = 1 / 6
/** Shares of reports that name no feature, the wrong one, no region, no version. */
const NO_FEATURE = 0.25
const WRONG_FEATURE = 0.08
const NO_REGION = 0.08
const NO_VERSION = 0.3
const VERSIONS = [
  ['41.1.0', 6],
  ['41.0.3', 2.5],
  ['40.9.1', 1.5],
] as const

export interface CrowdState {
  /** The logarithm of a slow drift around the rhythm; or the gust of these ten minutes. */
  drift: number
  gust: number
  /** Usual reports in a bin, per region. */
  readonly rates: Float64Array
}

export function emitReports(
  world: World,
  live: LiveService,
  all: ReadonlyMap<string, LiveService>,
  atMs: number,
  samples: Sample[],
): void {
  if (atMs % 60_000 === 0) followWeather(world, live, atMs)
  const noises = world.noises.filter(
    (noise) => noise.serviceId === live.service.model.id && atMs >= noise.fromMs && atMs < noise.toMs,
  )
  // Nothing gets through, and nobody knows.
  if (noises.some(({ kind }) => kind === 'intake')) return
  const burst = noises.reduce(
    (most, { kind, strength }) => (kind === 'burst' ? Math.max(most, strength) : most),
    1,
  )
  const { random } = live
  for (let column = 0; column < live.crowd.rates.length; column++) {
    for (let left = random.poisson(live.crowd.rates[column]! * burst); left > 0; left--)
      samples.push(reportOf(live, atMs, { column, about: null, trust: 1 }))
  }
  for (const each of live.active) {
    for (let left = random.poisson(excessOf(live, each)); left > 0; left--)
      samples.push(reportOf(live, atMs, { column: random.pick(each.column), about: each, trust: 1 }))
  }
  for (const neighbour of live.service.model.neighbours) {
    const other = all.get(neighbour)
    if (other === undefined || other.active.length === 0) continue
    const excess = other.active.reduce((sum, each) => sum + excessOf(other, each), 0)
    const share = world.mixUps.get(neighbour) ?? 0
    for (let left = random.poisson(excess * share); left > 0; left--)
      samples.push(reportOf(live, atMs, { column: anyColumn(live), about: null, trust: 1 }))
  }
  for (const { kind, strength } of noises) {
    if (kind !== 'brigade') continue
    for (let left = random.poisson(strength * BIN_MIN); left > 0; left--) {
      const trust = random.chance(0.85) ? random.between(0, 0.1) : 0.5
      samples.push({ ...reportOf(live, atMs, { column: 0, about: null, trust }), asn: 65000 } as Sample)
    }
  }
}

function followWeather(world: World, live: LiveService, atMs: number): void {
  const { service, crowd, random } = live
  const { noise, noiseSpread } = world.weather
  // Half an hour's memory.
  crowd.drift = crowd.drift * 0.967 + noiseSpread * Math.sqrt(1 - 0.967 ** 2) * random.normal()
  if (atMs % 600_000 === 0) crowd.gust = random.gamma(1 / noiseSpread ** 2)
  const factor = noise === 'slow' ? Math.exp(crowd.drift) : crowd.gust
  const growth = 1 + (service.growthPerMonth * (atMs - world.startMs)) / (30 * 86_400_000)
  for (let column = 0; column < crowd.rates.length; column++) {
    crowd.rates[column] =
      service.reportsPerMin *
      BIN_MIN *
      service.regionShares[column]! *
      world.weather.rhythm(atMs + live.offsetsMs[column]!, service) *
      growth *
      factor
  }
}

/** Reports a bin beyond the usual ones, in the mean. */
function excessOf(live: LiveService, each: LiveOutage): number {
  const ofFeatures = each.row.reduce((sum, row) => sum + live.service.featureShares[row]!, 0)
  const ofRegions = each.column.reduce((sum, column) => sum + live.crowd.rates[column]!, 0)
  return ofFeatures * ofRegions * (each.outage.reportFactor - 1) * each.crowd
}

const anyColumn = (live: LiveService): number => Math.floor(live.random.uniform() * live.crowd.rates.length)

function reportOf(
  live: LiveService,
  atMs: number,
  from: { column: number; about: LiveOutage | null; trust: number },
): Sample {
  const { random, service } = live
  const { features, regions } = service.model
  const rows =
    from.about === null || random.chance(WRONG_FEATURE) ? features.map((_, row) => row) : from.about.row
  const row = random.pickWeighted(rows.map((each) => [each, service.featureShares[each]!] as const))
  const version = from.about?.outage.clientVersion ?? random.pickWeighted(VERSIONS)
  return {
    kind: 'reports',
    serviceId: service.model.id,
    atMs: atMs + Math.floor(random.uniform() * 10_000),
    featureId: random.chance(NO_FEATURE) ? null : features[row]!.id,
    region: random.chance(NO_REGION) ? null : regions[from.column]!,
    asn: from.about?.outage.asn ?? random.pickWeighted(service.asns),
    count: 1,
    trust: from.trust,
    clientVersion: random.chance(NO_VERSION) ? null : version,
  }
}
