/** What can be observed of an outage that tells causes apart. True, false, or null where nothing looked. */
import { shareOf, topOf, type Frequent } from './frequent.ts'
import { wordOn } from './crowd.ts'
import { wasMaintained } from './maintenance.ts'
import type { Shape } from './shape.ts'
import type { OutageRecord, ServiceState } from './state.ts'
import { isTrafficFresh } from './traffic.ts'
import type { MarkerSample, ProbeFailure } from './types.ts'

export const OBSERVATIONS = [
  'release-just-before',
  'configuration-just-before',
  'maintenance-announced',
  'policy-closed',
  'all-regions',
  'one-region',
  'edge-features-only',
  'all-features',
  'dns-fails',
  'dns-answers-differ',
  'connections-fail',
  'connections-refused',
  'connections-unanswered',
  'timeouts',
  'server-errors',
  'server-says-overloaded',
  'client-errors',
  'blocked-by-law',
  'block-page',
  'store-listing-gone',
  'wrong-content',
  'one-network',
  'one-client-version',
  'request-surge',
  'surge-from-few-sources',
  'traffic-collapsed',
  'traffic-dipped',
  'many-reports',
  'began-slowly',
  'slow-before-failing',
  'probes-well',
] as const
export type Observation = (typeof OBSERVATIONS)[number]

export type Observed = Readonly<Record<Observation, boolean | null>>

/** A change that explains an outage comes shortly before it; clocks and beginnings are a little uncertain. */
const BEFORE_MS = 30 * 60_000
const AFTER_MS = 2 * 60_000
/** A share of failed checks that makes a kind of failure typical of the outage. */
const TYPICAL = 0.35
const SURGE_RATIO = 1.8
const FEW_SOURCES = 0.5
const COLLAPSED_RATIO = 0.25
const DIPPED_RATIO = 0.8
const MANY_REPORTS = 8
/** Planned work goes wrong while it lasts, or when it should have ended. */
const PLANNED_BEFORE_MS = 90 * 60_000
/** Reports from one network, or of one version, stand out from so many on. */
const NAMED_MIN = 6
const DOMINANT = 0.65

export function observe(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number): Observed {
  const rows = new Set(outage.cells.map((cell) => Math.floor(cell / shape.regions)))
  const columns = new Set(outage.cells.map((cell) => cell % shape.regions))
  const failed = Object.values(outage.failures).reduce((sum, count) => sum + count, 0)
  const share = (...kinds: ProbeFailure[]): boolean | null =>
    failed < 1 ? null : kinds.reduce((sum, kind) => sum + (outage.failures[kind] ?? 0), 0) / failed >= TYPICAL
  const any = (kind: ProbeFailure): boolean | null =>
    service.probes.heardMs === null ? null : (outage.failures[kind] ?? 0) > 0
  const hasSurge =
    outage.onset.medianMs - service.surge.atMs < 15 * 60_000 && service.surge.ratio >= SURGE_RATIO
  const isTrafficKnown = outage.cells.some((cell) => isTrafficFresh(service.traffic.cells[cell]!, nowMs))
  return {
    ...observeMarkers(service, shape, outage, nowMs),
    'all-regions': shape.regions < 2 ? null : columns.size === shape.regions,
    'one-region': shape.regions < 2 ? null : columns.size === 1,
    'edge-features-only': observeTiers(shape, rows),
    'all-features': shape.features < 2 ? null : rows.size === shape.features,
    'dns-fails': share('dns-no-answer', 'dns-wrong-answer'),
    'dns-answers-differ': share('dns-wrong-answer'),
    'connections-fail': share('connect', 'tls', 'tls-expired'),
    // Null where there are few: that nothing refuses is no sign of any cause.
    'connections-refused': share('refused') || null,
    'connections-unanswered': share('unanswered') || null,
    timeouts: share('timeout'),
    'server-errors': share('http-5xx'),
    'server-says-overloaded': share('overloaded'),
    'client-errors': share('http-4xx'),
    'blocked-by-law': any('blocked-by-law'),
    'block-page': any('block-page'),
    'store-listing-gone': any('store-listing-gone'),
    'wrong-content': share('assertion', 'undecodable'),
    'one-network': standsOut(service.asns),
    'one-client-version': standsOut(service.versions),
    'request-surge': isTrafficKnown ? hasSurge : null,
    'surge-from-few-sources':
      !hasSurge || service.surge.diversity === null ? null : service.surge.diversity < FEW_SOURCES,
    'traffic-collapsed':
      outage.peak.trafficRatioMin === null ? null : outage.peak.trafficRatioMin < COLLAPSED_RATIO,
    'traffic-dipped':
      outage.peak.trafficRatioMin === null ? null : outage.peak.trafficRatioMin < DIPPED_RATIO,
    'many-reports': service.reportsHeardMs === null ? null : outage.peak.reportRatio >= MANY_REPORTS,
    'began-slowly': outage.peak.reportExcess < 10 ? null : beganSlowly(outage),
    'slow-before-failing': observeSlowness(service, rows),
    'probes-well': observeProbes(service, outage, failed),
  }
}

function observeMarkers(service: ServiceState, shape: Shape, outage: OutageRecord, nowMs: number) {
  const concerns = (marker: MarkerSample): boolean =>
    outage.cells.some((cell) => {
      const feature = shape.model.features[Math.floor(cell / shape.regions)]!.id
      const region = shape.model.regions[cell % shape.regions]!
      return (
        (marker.featureIds.length === 0 || marker.featureIds.includes(feature)) &&
        (marker.regions.length === 0 || marker.regions.includes(region))
      )
    })
  const before = (what: MarkerSample['what']): boolean | null => {
    if (service.markers.length === 0) return null
    return service.markers.some(
      (marker) =>
        marker.what === what &&
        marker.atMs <= outage.onset.medianMs + AFTER_MS &&
        marker.atMs >= outage.onset.medianMs - BEFORE_MS &&
        concerns(marker),
    )
  }
  const rows = outage.cells.map((cell) => Math.floor(cell / shape.regions))
  const span = {
    fromMs: outage.onset.medianMs - PLANNED_BEFORE_MS,
    untilMs: outage.onset.medianMs + AFTER_MS,
  }
  // Planned work often breaks something else than what it was announced for.
  const isMaintained =
    wasMaintained(service.maintenance, span, nowMs) ||
    service.markers.some(
      ({ what, atMs }) =>
        (what === 'maintenance-start' || what === 'maintenance-end') &&
        atMs <= span.untilMs &&
        atMs >= span.fromMs,
    ) ||
    rows.some((row) => wordOn(service.word, shape, row, nowMs) === 'maintenance')
  return {
    'release-just-before': before('release'),
    // Where a release explains it, a push beside it adds nothing.
    'configuration-just-before': before('release') === true ? null : before('configuration'),
    'maintenance-announced': isMaintained,
    'policy-closed': before('policy-close') === true || outage.cells.some((cell) => service.closed[cell]!),
  }
}

function observeTiers(shape: Shape, rows: ReadonlySet<number>): boolean | null {
  const isEdge = (row: number): boolean => shape.model.features[row]!.tier === 'edge'
  const tiers = new Set(shape.model.features.map(({ tier }) => tier))
  return tiers.size < 2 ? null : [...rows].every(isEdge)
}

/** One name has most of the reports, and hasn't usually. */
function standsOut(names: { recent: Frequent; usual: Frequent }): boolean | null {
  if (names.recent.total < NAMED_MIN) return null
  const top = topOf(names.recent)!
  return top.share >= DOMINANT && shareOf(names.usual, top.name) < top.share - 0.25
}

const beganSlowly = (outage: OutageRecord): boolean =>
  outage.detectedAtMs - outage.onset.medianMs > 4 * 60_000

function observeSlowness(service: ServiceState, rows: ReadonlySet<number>): boolean | null {
  const tracks = [...service.probes.tracks.values()].filter((track) =>
    track.rows.some((row) => rows.has(row)),
  )
  if (!tracks.some(({ durations }) => durations >= 20)) return null
  return tracks.some(({ slowRun }) => slowRun >= 2)
}

function observeProbes(service: ServiceState, outage: OutageRecord, failed: number): boolean | null {
  const verdicts = outage.cells.map((cell) => service.votes.verdicts[cell]!)
  if (verdicts.every((verdict) => verdict === 'none')) return failed > 0 ? false : null
  return failed < 2 && verdicts.every((verdict) => verdict !== 'bad')
}
