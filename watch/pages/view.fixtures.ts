/** Views for tests: a calm service, and the same with a fault. */
import { componentId, stableId } from '../app/ids.ts'
import type {
  ComponentView,
  IncidentView,
  MaintenanceView,
  ResponseTimeView,
  StatusView,
  UptimeDayView,
} from '../incidents/index.ts'

export const NOW = new Date('2026-11-22T04:00:00Z')
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export function makeComponent(slug: string, changes: Partial<ComponentView> = {}): ComponentView {
  return {
    id: componentId('upbeat', slug),
    slug,
    name: slug.charAt(0).toUpperCase() + slug.slice(1),
    description: '',
    group: null,
    essential: null,
    position: 1,
    status: 'operational',
    state: 'up',
    regions: [
      { id: 'eu', name: 'Europe', state: 'up', posterior: 0.01, contributions: {} },
      { id: 'na', name: 'North America', state: 'up', posterior: 0.01, contributions: {} },
    ],
    changedAtMs: null,
    createdAtMs: NOW.getTime() - 100 * DAY_MS,
    ...changes,
  }
}

export const FEATURES = ['feed', 'video', 'upload', 'sign-in', 'comments', 'search'] as const

export function makeView(changes: Partial<StatusView> = {}): StatusView {
  return {
    service: {
      id: 'upbeat',
      name: 'Upbeat',
      url: 'http://localhost:8080',
      description: 'Short videos.',
      timeZone: 'Etc/UTC',
    },
    asOfMs: NOW.getTime() - 8_000,
    isBlind: false,
    indicator: 'none',
    description: 'All Systems Operational',
    components: FEATURES.map((slug, i) => makeComponent(slug, { position: i + 1 })),
    incidents: [],
    maintenances: [],
    officialWord: null,
    collaterals: [],
    ...changes,
  }
}

export function makeIncident(changes: Partial<IncidentView> = {}): IncidentView {
  const startedAtMs = NOW.getTime() - 12 * MINUTE_MS
  return {
    id: stableId('incident/test'),
    serviceId: 'upbeat',
    outageId: 'upbeat-1',
    title: 'Upload does not work in Europe',
    state: 'confirmed',
    impact: 'major',
    causes: [
      { cause: 'rollout', probability: 0.82, evidenceFor: ['release-just-before'], evidenceAgainst: [] },
      { cause: 'overload', probability: 0.1, evidenceFor: [], evidenceAgainst: ['no-surge'] },
      { cause: 'unknown', probability: 0.08, evidenceFor: [], evidenceAgainst: [] },
    ],
    cause: 'rollout',
    isCauseByOperator: false,
    confidence: 0.97,
    contributions: { probes: 4.1, reports: 2.2 },
    featureIds: ['upload'],
    regions: ['eu'],
    startedAtMs,
    detectedAtMs: startedAtMs + 40_000,
    confirmedAtMs: startedAtMs + 70_000,
    identifiedAtMs: null,
    recoveringAtMs: null,
    resolvedAtMs: null,
    relapses: 0,
    recovered: { cells: 0, of: 1 },
    forecast: { medianMs: 20 * MINUTE_MS, lowMs: 4 * MINUTE_MS, highMs: 90 * MINUTE_MS },
    updatedAtMs: startedAtMs + 70_000,
    updates: [
      {
        id: stableId('update/1'),
        state: 'confirmed',
        body: 'Upload does not work in Europe since 03:48 UTC. Shown by our own checks and reports by people.',
        atMs: startedAtMs + 70_000,
        author: 'watch',
        affected: [
          {
            code: componentId('upbeat', 'upload'),
            name: 'Upload',
            oldStatus: 'operational',
            newStatus: 'partial_outage',
          },
        ],
      },
      {
        id: stableId('update/0'),
        state: 'suspected',
        body: 'There are signs that Upload does not work in Europe. We are checking.',
        atMs: startedAtMs + 40_000,
        author: 'watch',
        affected: [],
      },
    ],
    publicExplanation: null,
    explanationDueAtMs: startedAtMs + 3 * DAY_MS,
    mergedInto: null,
    officialLagMs: null,
    ...changes,
  }
}

/** Upload is down in Europe. */
export function makeFaultyView(changes: Partial<StatusView> = {}): StatusView {
  const calm = makeView()
  return {
    ...calm,
    indicator: 'minor',
    description: 'Minor Service Outage',
    components: calm.components.map((component) =>
      component.slug === 'upload'
        ? {
            ...component,
            status: 'partial_outage',
            state: 'down',
            regions: component.regions.map((region) =>
              region.id === 'eu' ? { ...region, state: 'down', posterior: 0.97 } : region,
            ),
            changedAtMs: NOW.getTime() - 11 * MINUTE_MS,
          }
        : component,
    ),
    incidents: [makeIncident()],
    ...changes,
  }
}

export function makeMaintenance(changes: Partial<MaintenanceView> = {}): MaintenanceView {
  return {
    id: stableId('maintenance/test'),
    serviceId: 'upbeat',
    title: 'New disks for search',
    body: 'Search is away for up to an hour; all else goes on.',
    status: 'scheduled',
    featureIds: ['search'],
    regions: [],
    scheduledForMs: NOW.getTime() + DAY_MS,
    scheduledUntilMs: NOW.getTime() + DAY_MS + 60 * MINUTE_MS,
    createdAtMs: NOW.getTime() - DAY_MS,
    updatedAtMs: NOW.getTime() - DAY_MS,
    completedAtMs: null,
    updates: [],
    ...changes,
  }
}

/** Ninety days without a fault but for those that are given, by how many days ago. */
export function makeUptimeDays(
  faults: Readonly<Record<number, Partial<UptimeDayView>>> = {},
  count = 90,
): UptimeDayView[] {
  return Array.from({ length: count }, (_, i) => {
    const daysAgo = count - 1 - i
    const day = new Date(NOW.getTime() - daysAgo * DAY_MS).toISOString().slice(0, 10)
    return { day, upFraction: 1, watchedMs: DAY_MS, worst: 'operational', ...faults[daysAgo] }
  })
}

/** A day of measurements, five minutes apart. */
export function makeResponseTimes(count = 288): ResponseTimeView[] {
  return Array.from({ length: count }, (_, i) => ({
    atMs: NOW.getTime() - (count - i) * 5 * MINUTE_MS,
    p50Ms: 80 + ((i * 37) % 40),
    p95Ms: 180 + ((i * 53) % 160),
    checks: 15,
  }))
}
