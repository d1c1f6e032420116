/** What each cause does to a service: which cells, how it begins and ends, and what each kind of signal sees of it. */
import type { Cause, MarkerSample } from '../types.ts'
import type { Random } from './random.ts'
import { HOUR_MS, MINUTE_MS, type Profile, type SimulatedOutage, type SimulatedService } from './world.ts'

export interface Fault {
  readonly outage: SimulatedOutage
  readonly markers: readonly MarkerSample[]
}

/** How often each is drawn: nearly evenly, so that each has enough cases to be judged by. */
export const CAUSE_WEIGHTS: readonly (readonly [Cause, number])[] = [
  ['overload', 1.2],
  ['rollout', 1.3],
  ['edge', 1.1],
  ['dns', 1],
  ['network', 1.1],
  ['attack', 0.9],
  ['policy', 0.8],
  ['maintenance', 0.8],
  ['local', 0.8],
  ['unknown', 0.9],
]

/** Draws a fault of that cause, which begins at `atMs`. */
export function createFault(service: SimulatedService, cause: Cause, atMs: number, random: Random): Fault {
  const isMajor = random.chance(0.85)
  const features = service.model.features.map(({ id }) => id)
  const regions = [...service.model.regions]
  const base: SimulatedOutage = {
    serviceId: service.model.id,
    cause,
    featureIds: features,
    regions,
    profile: suddenProfile(atMs, random),
    reportFactor: isMajor ? random.logNormal(12, 0.5) + 4 : random.between(2, 4),
    probeFailure: isMajor ? random.between(0.8, 1) : random.between(0.2, 0.6),
    probeAsn: null,
    failures: [['http-5xx', 1]],
    trafficRatio: isMajor ? random.between(0.1, 0.6) : random.between(0.7, 0.95),
    errorRate: isMajor ? random.between(0.2, 0.9) : random.between(0.03, 0.15),
    surge: 1,
    diversity: random.between(0.85, 1),
    slowFactor: 1,
    chatterFactor: random.logNormal(8, 0.6),
    asn: null,
    clientVersion: null,
    isMajor,
  }
  const marker = (
    what: MarkerSample['what'],
    markedMs: number,
    featureIds: readonly string[] = [],
  ): MarkerSample => ({
    kind: 'marker',
    serviceId: service.model.id,
    atMs: markedMs,
    what,
    featureIds,
    regions: [],
  })
  return DETAILS[cause]({ service, base, atMs, features, regions, random, marker })
}

interface Draw {
  readonly service: SimulatedService
  readonly base: SimulatedOutage
  readonly atMs: number
  readonly features: readonly string[]
  readonly regions: readonly string[]
  readonly random: Random
  readonly marker: (what: MarkerSample['what'], atMs: number, featureIds?: readonly string[]) => MarkerSample
}

const DETAILS: Readonly<Record<Cause, (draw: Draw) => Fault>> = {
  overload: ({ base, atMs, features, random }) => ({
    outage: {
      ...base,
      featureIds: random.chance(0.5) ? features : random.subset(features, 2),
      profile: slowProfile(atMs, random),
      failures: [
        ['overloaded', 4],
        ['timeout', 3],
        ['http-5xx', 3],
      ],
      surge: random.between(1.8, 4),
      trafficRatio: 1,
      slowFactor: random.between(3, 8),
    },
    markers: [],
  }),
  rollout: (draw) => {
    const { base, atMs, features, regions, random, marker } = draw
    const featureIds = random.subset(features, random.pick([1, 1, 2, 3]))
    const isClient = random.chance(0.2)
    const what = random.chance(0.75) ? 'release' : 'configuration'
    return {
      outage: {
        ...base,
        featureIds,
        regions: random.chance(0.85) ? regions : random.subset(regions, 1),
        // A broken client is seen by people, not by probes.
        probeFailure: isClient ? 0 : base.probeFailure,
        clientVersion: isClient ? '41.2.0' : null,
        failures: [
          ['http-5xx', 6],
          ['http-4xx', 2],
          ['assertion', 3],
        ],
      },
      markers: random.chance(0.9) ? [marker(what, atMs - random.between(0, 12) * MINUTE_MS, featureIds)] : [],
    }
  },
  edge: ({ service, base, regions, random }) => ({
    outage: {
      ...base,
      featureIds: service.model.features.filter(({ tier }) => tier === 'edge').map(({ id }) => id),
      regions: random.chance(0.35) ? regions : random.subset(regions, Math.ceil(regions.length / 3)),
      failures: [
        ['timeout', 4],
        ['http-5xx', 3],
        ['undecodable', 2],
        ['connect', 2],
      ],
    },
    markers: [],
  }),
  dns: ({ base, regions, random }) => ({
    outage: {
      ...base,
      regions: random.chance(0.75) ? regions : random.subset(regions, 1),
      failures: [
        ['dns-no-answer', 6],
        ['dns-wrong-answer', 3],
        ['timeout', 0.5],
      ],
      trafficRatio: base.isMajor ? random.between(0.02, 0.4) : base.trafficRatio,
      errorRate: 0.005,
    },
    markers: [],
  }),
  network: ({ service, base, regions, random }) => {
    const asn = random.chance(0.7) ? random.pick(service.asns)[0] : null
    return {
      outage: {
        ...base,
        regions: random.subset(regions, regions.length > 3 && random.chance(0.25) ? 2 : 1),
        asn,
        probeAsn: asn,
        failures: [
          ['connect', 5],
          ['timeout', 5],
          ['tls', 0.5],
        ],
        errorRate: 0.005,
      },
      markers: [],
    }
  },
  attack: ({ base, random }) => ({
    outage: {
      ...base,
      failures: [
        ['timeout', 4],
        ['overloaded', 3],
        ['http-5xx', 3],
        ['connect', 1],
      ],
      surge: random.between(3, 10),
      diversity: random.between(0.05, 0.4),
      trafficRatio: 1,
      slowFactor: random.between(1.5, 6),
    },
    markers: [],
  }),
  policy: ({ base, atMs, regions, random, marker }) => {
    const isClosed = random.chance(0.4)
    return {
      outage: {
        ...base,
        profile: plateau(atMs, random.between(5, 30) * 1000, random.logNormal(10, 0.7) * HOUR_MS, MINUTE_MS),
        regions: random.subset(regions, 1),
        failures: isClosed
          ? [
              ['blocked-by-law', 5],
              ['http-4xx', 3],
              ['store-listing-gone', 2],
            ]
          : [
              ['block-page', 4],
              ['dns-wrong-answer', 3],
              ['blocked-by-law', 3],
            ],
        trafficRatio: random.between(0.02, 0.15),
        errorRate: 0.005,
      },
      markers: isClosed && random.chance(0.6) ? [marker('policy-close', atMs)] : [],
    }
  },
  maintenance: (draw) => createMaintenance(draw),
  local: ({ service, base, regions, random }) => ({
    outage: {
      ...base,
      regions: random.subset(regions, 1),
      asn: random.pick(service.asns)[0],
      probeFailure: 0,
      reportFactor: random.between(4, 10),
      trafficRatio: random.between(0.92, 1),
      errorRate: 0.004,
      chatterFactor: random.between(1, 2),
    },
    markers: [],
  }),
  unknown: ({ base, features, regions, random }) => ({
    outage: {
      ...base,
      featureIds: random.subset(features, 1 + Math.floor(random.uniform() * features.length)),
      regions: random.chance(0.6) ? regions : random.subset(regions, 1),
      failures: [
        ['http-5xx', 4],
        ['timeout', 3],
        ['assertion', 2],
        ['connect', 1],
        ['http-4xx', 1],
      ],
    },
    markers: [],
  }),
}

/** Announced work that hurts more than was announced: another feature too, or longer than it was to last. */
function createMaintenance({ base, atMs, features, random, marker }: Draw): Fault {
  const announced = random.pick(features)
  const failures = [
    ['http-5xx', 6],
    ['connect', 3],
    ['timeout', 2],
  ] as const
  if (random.chance(0.5)) {
    const others = features.filter((id) => id !== announced)
    const endMs = base.profile.at(-1)![0] + 10 * MINUTE_MS
    return {
      outage: { ...base, featureIds: random.subset(others, random.pick([1, 2])), failures },
      markers: [
        marker('maintenance-start', atMs - random.between(0, 5) * MINUTE_MS, [announced]),
        marker('maintenance-end', endMs, [announced]),
      ],
    }
  }
  // The window ends and the feature doesn't come back.
  return {
    outage: { ...base, featureIds: [announced], failures },
    markers: [
      marker('maintenance-start', atMs - random.between(20, 60) * MINUTE_MS, [announced]),
      marker('maintenance-end', atMs, [announced]),
    ],
  }
}

/** Up within `rampMs`, full for `lastsMs`, and down within `fallMs`. */
export function plateau(atMs: number, rampMs: number, lastsMs: number, fallMs: number): Profile {
  return [
    [atMs, 0],
    [atMs + rampMs, 1],
    [atMs + rampMs + lastsMs, 1],
    [atMs + rampMs + lastsMs + fallMs, 0],
  ]
}

const lastsMs = (random: Random): number =>
  Math.min(Math.max(random.logNormal(45, 0.8), 8), 8 * 60) * MINUTE_MS

/** A third of them come back all at once, the others bit by bit. */
const fallsMs = (random: Random): number =>
  random.chance(0.35) ? random.between(5, 20) * 1000 : random.between(2, 15) * MINUTE_MS

const suddenProfile = (atMs: number, random: Random): Profile =>
  plateau(atMs, random.between(2, 40) * 1000, lastsMs(random), fallsMs(random))

const slowProfile = (atMs: number, random: Random): Profile =>
  plateau(atMs, random.between(1, 8) * MINUTE_MS, lastsMs(random), fallsMs(random))
