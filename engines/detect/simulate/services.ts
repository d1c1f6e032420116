/** Services of four sizes, each with the signals that a watch of such a service typically has. */
import type { FeatureModel } from '../types.ts'
import type { Random } from './random.ts'
import { SIZES, type SimulatedService, type SimulatedVantage, type Size } from './world.ts'

const FEATURES: readonly FeatureModel[] = [
  { id: 'feed', dependsOn: [], tier: 'core' },
  { id: 'video', dependsOn: [], tier: 'edge' },
  { id: 'upload', dependsOn: ['feed'], tier: 'core' },
  { id: 'sign-in', dependsOn: [], tier: 'core' },
  { id: 'comments', dependsOn: ['feed'], tier: 'core' },
]

interface Measures {
  readonly features: number
  readonly regions: readonly string[]
  readonly reportsPerMin: number
  readonly vantagesPerRegion: number
  readonly probed: number
  readonly trafficChance: number
  readonly chatterPerMin: number | null
  readonly wordChance: number
}

const MEASURES: Readonly<Record<Size, Measures>> = {
  small: {
    features: 3,
    regions: ['world'],
    reportsPerMin: 0.02,
    vantagesPerRegion: 2,
    probed: 3,
    trafficChance: 1,
    chatterPerMin: null,
    wordChance: 0,
  },
  medium: {
    features: 4,
    regions: ['eu', 'us'],
    reportsPerMin: 0.3,
    vantagesPerRegion: 2,
    probed: 4,
    trafficChance: 0.7,
    chatterPerMin: 0.05,
    wordChance: 0.5,
  },
  large: {
    features: 5,
    regions: ['eu', 'us', 'asia'],
    reportsPerMin: 3,
    vantagesPerRegion: 2,
    probed: 5,
    trafficChance: 0.6,
    chatterPerMin: 0.5,
    wordChance: 0.9,
  },
  huge: {
    features: 5,
    regions: ['eu', 'us', 'asia', 'latam'],
    reportsPerMin: 30,
    vantagesPerRegion: 1,
    probed: 3,
    trafficChance: 0,
    chatterPerMin: 4,
    wordChance: 1,
  },
}

const OFFSET_MINUTES: Readonly<Record<string, number>> = {
  world: 0,
  eu: 60,
  us: -300,
  asia: 480,
  latam: -180,
}

/** One service of each size; each is the neighbour of the next larger and smaller one. */
export function createServices(random: Random): SimulatedService[] {
  return SIZES.map((size, at) => {
    const neighbours = [SIZES[at - 1], SIZES[at + 1]].flatMap((each) => (each === undefined ? [] : [each]))
    return createService(size, neighbours, random)
  })
}

export function createService(size: Size, neighbours: readonly string[], random: Random): SimulatedService {
  const measures = MEASURES[size]
  const features = FEATURES.slice(0, measures.features)
  const asns = Array.from({ length: 5 }, (_, n) => 64500 + n)
  const vantages: SimulatedVantage[] = measures.regions.flatMap((region, at) =>
    Array.from({ length: measures.vantagesPerRegion }, (_, n) => ({
      id: `${region}-${n + 1}`,
      region: region === 'world' ? null : region,
      asn: asns[(at + n) % asns.length]!,
    })),
  )
  return {
    model: {
      id: size,
      features,
      regions: measures.regions,
      neighbours,
      utcOffsetMinutes: OFFSET_MINUTES,
    },
    size,
    reportsPerMin: measures.reportsPerMin * random.between(0.6, 1.6),
    featureShares: sharesOf(features.length, random),
    regionShares: sharesOf(measures.regions.length, random),
    asns: asns.map((asn, n) => [asn, 1 / (n + 1)] as const),
    vantages,
    probedFeatures: features.slice(0, measures.probed).map(({ id }) => id),
    probeIntervalMs: 60_000,
    hasTraffic: random.chance(measures.trafficChance),
    chatterPerMin: measures.chatterPerMin === null ? null : measures.chatterPerMin * random.between(0.5, 2),
    hasWord: random.chance(measures.wordChance),
    growthPerMonth: random.between(-0.05, 0.2),
  }
}

function sharesOf(length: number, random: Random): number[] {
  const weights = Array.from({ length }, () => random.between(0.5, 1.5))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
