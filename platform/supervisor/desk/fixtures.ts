/** Reports for tests of the desk. */
import { CLASSES } from '../../app/priority-classes.ts'
import type { RoleReport } from '../../app/vitals.ts'
import { FEATURES, type ServiceState } from '../../../contract/state.ts'

const AT = '2026-01-01T00:00:00.000Z'

const service = (level: number): ServiceState => ({
  level,
  since: AT,
  order: null,
  maintenance: null,
  takenBack: null,
  features: Object.fromEntries(
    FEATURES.map((feature) => [
      feature,
      { mode: 'on', since: AT, reason: null, share: 1, note: null, until: null },
    ]),
  ) as ServiceState['features'],
})

/** What an api that is well says of itself. */
export const reportOf = (changes: Partial<RoleReport> = {}): RoleReport => ({
  at: AT,
  uptimeS: 60,
  busyShare: 0.5,
  cpuCores: 0.5,
  rssBytes: 100,
  eventLoopP99Ms: 12,
  heapShare: 0.1,
  pressureLevel: 0,
  requests: { count: 10, failures: 1, inFlight: 2, perS: 5, failuresPerS: 0.5 },
  doors: [],
  trial: null,
  golden: [],
  service: service(0),
  causes: [],
  restoration: { steps: [], timeline: [] },
  dependencies: { database: true, ingest: true, worker: true, disk: true, journal: null, blobs: true },
  database: { isUp: true, since: AT, pingMs: 1.5, connections: 3, connectionsMax: 10, waiting: 0 },
  standby: { asOf: null, videos: null },
  journal: null,
  jobs: null,
  abuse: null,
  ...changes,
})

/** As the process door says it. */
export const doorOf = (refusedPerS: number): RoleReport['doors'][number] => ({
  name: 'process',
  limit: 20,
  inFlight: 4,
  usualMs: null,
  classes: CLASSES.map((rank) => ({
    waiting: rank,
    admitted: 100,
    refused: 7,
    admittedPerS: 10,
    refusedPerS,
  })),
})
