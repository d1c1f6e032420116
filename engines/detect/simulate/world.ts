/** What a simulated world is made of: services, what happens to them, and the truth that a detector is judged by. */
import type { Cause, MarkerSample, ProbeFailure, ServiceModel, WordSample } from '../types.ts'

export const SIZES = ['small', 'medium', 'large', 'huge'] as const
export type Size = (typeof SIZES)[number]

export interface SimulatedVantage {
  readonly id: string
  readonly region: string | null
  readonly asn: number
}

export interface SimulatedService {
  readonly model: ServiceModel
  readonly size: Size
  /** Of the whole service on a usual day. */
  readonly reportsPerMin: number
  readonly featureShares: readonly number[]
  readonly regionShares: readonly number[]
  readonly asns: readonly (readonly [number, number])[]
  readonly vantages: readonly SimulatedVantage[]
  /** Features with monitors, each with one per vantage point. */
  readonly probedFeatures: readonly string[]
  readonly probeIntervalMs: number
  readonly hasTraffic: boolean
  /** Null: nobody listens to it. */
  readonly chatterPerMin: number | null
  readonly hasWord: boolean
  readonly growthPerMonth: number
}

/** Points of time and strength (0 to 1), straight lines between them. */
export type Profile = readonly (readonly [atMs: number, strength: number])[]

/** Something that goes wrong, and what it does to each kind of signal at full strength. */
export interface SimulatedOutage {
  readonly serviceId: string
  readonly cause: Cause
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly profile: Profile
  /** By how much reports on its cells multiply. */
  readonly reportFactor: number
  /** Probability that a check of its cells fails. */
  readonly probeFailure: number
  /** Only checks from vantage points in this network fail; null: all. */
  readonly probeAsn: number | null
  readonly failures: readonly (readonly [ProbeFailure, number])[]
  /** What is left of the requests, and the share of them that fails. */
  readonly trafficRatio: number
  readonly errorRate: number
  /** Requests of the whole service, before and while it lasts; and the diversity of their sources. */
  readonly surge: number
  readonly diversity: number
  /** By how much good checks slow down. */
  readonly slowFactor: number
  readonly chatterFactor: number
  /** The network that its reports come from, and the version that they name; null: all. */
  readonly asn: number | null
  readonly clientVersion: string | null
  readonly isMajor: boolean
}

/** Things that look like an outage and are none. */
export interface SimulatedNoise {
  readonly serviceId: string
  readonly fromMs: number
  readonly toMs: number
  readonly kind: 'burst' | 'brigade' | 'vantage' | 'blind' | 'intake'
  /** Factor on reports (burst), reports per minute (brigade). */
  readonly strength: number
  readonly vantageId: string | null
}

export interface SimulatedWord {
  readonly serviceId: string
  readonly fromMs: number
  readonly toMs: number
  readonly featureId: string | null
  readonly status: WordSample['status']
}

/** How a world's own noise behaves; the generators differ in it. */
export interface Weather {
  /** Multiplier of reports by local time, around 1. */
  readonly rhythm: (localMs: number, service: SimulatedService) => number
  /** `slow`: an autoregressive drift; `gusts`: each ten minutes for itself, with heavy tails. */
  readonly noise: 'slow' | 'gusts'
  readonly noiseSpread: number
  /** Seconds until half of the people who will report have done so. */
  readonly reportLagS: number
  /** Share of people who go on reporting after hours. */
  readonly stamina: number
  readonly flakyChecks: number
}

export interface World {
  readonly seed: number
  readonly startMs: number
  readonly endMs: number
  readonly services: readonly SimulatedService[]
  readonly outages: readonly SimulatedOutage[]
  readonly noises: readonly SimulatedNoise[]
  readonly words: readonly SimulatedWord[]
  readonly markers: readonly MarkerSample[]
  readonly weather: Weather
  /** Share of a service's excess reports that its neighbours get by mistake. */
  readonly mixUps: ReadonlyMap<string, number>
}

export const MINUTE_MS = 60_000
/** The simulator's step. */
export const BIN_MS = 10_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** Strength of a profile at a time; 0 outside. */
export function strengthAt(profile: Profile, atMs: number): number {
  const first = profile[0]!
  const last = profile.at(-1)!
  if (atMs < first[0] || atMs >= last[0]) return 0
  for (let at = 1; at < profile.length; at++) {
    const [toMs, to] = profile[at]!
    if (atMs >= toMs) continue
    const [fromMs, from] = profile[at - 1]!
    return from + ((to - from) * (atMs - fromMs)) / (toMs - fromMs)
  }
  return 0
}

/** A strength from which an outage counts as there: where it first reaches half, and where it last falls below 0.3. */
export function truthOf(outage: SimulatedOutage): { startMs: number; endMs: number } {
  return {
    startMs: crossing(outage.profile, 0.5),
    endMs: -crossing(outage.profile.map(([atMs, strength]) => [-atMs, strength] as const).reverse(), 0.3),
  }
}

function crossing(profile: Profile, level: number): number {
  for (let at = 0; at < profile.length; at++) {
    const [toMs, to] = profile[at]!
    if (to < level) continue
    if (at === 0) return toMs
    const [fromMs, from] = profile[at - 1]!
    return to === from ? toMs : fromMs + ((toMs - fromMs) * (level - from)) / (to - from)
  }
  return profile[0]![0]
}
