/** All that the detector remembers of one service; everything here goes into a snapshot. */
import { createChatterState, createWordState, type ChatterState, type WordState } from './crowd.ts'
import { createDurations, type Durations } from './forecast.ts'
import { createFrequent, type Frequent } from './frequent.ts'
import { createMaintenance, type MaintenanceState } from './maintenance.ts'
import { createProbeState, type ProbeState } from './probes.ts'
import type { ProbeVotes } from './probe-votes.ts'
import { createReportBaseline, type ReportBaseline } from './report-baseline.ts'
import { createReportWindows, type ReportWindows } from './report-windows.ts'
import type { Restart } from './restart.ts'
import { NOTHING, type ScanResult } from './scan.ts'
import type { Shape } from './shape.ts'
import { createTrafficState, type TrafficState } from './traffic.ts'
import type {
  CellView,
  Forecast,
  Interval,
  MarkerSample,
  OutageState,
  ProbeFailure,
  RankedCause,
  SignalKind,
} from './types.ts'

export interface CellRecord {
  state: CellView['state']
  /** Null while there was never any evidence. */
  logOdds: number | null
  contributions: Partial<Record<SignalKind, number>>
  sinceMs: number | null
  /** Until when what is known of it holds. */
  evidenceUntilMs: number
  /** While down: the kinds that ever accused it. */
  accusers: SignalKind[]
  /** Since when everything has spoken for health. */
  goodSinceMs: number | null
  /** While suspected: since when it no longer is likely. */
  calmSinceMs: number | null
}

/** Slow rises: one sum per row, with what it was summed over; the last row is all of them. */
export interface RiseState {
  readonly score: Float64Array
  readonly count: Float64Array
  readonly expected: Float64Array
  readonly sinceMs: Float64Array
}

export interface OutageRecord {
  id: string
  state: OutageState
  /** Cells that broke in it, ever. */
  cells: number[]
  /** When each of them joined. */
  joinedAtMs: number[]
  onset: Interval
  detectedAtMs: number
  confirmedAtMs: number | null
  recoveringSinceMs: number | null
  resolvedAtMs: number | null
  relapseWatchUntilMs: number | null
  relapses: number
  causes: RankedCause[]
  /** The highest so far, for what the outage was like at its worst. */
  peak: {
    reportRatio: number
    reportExcess: number
    trafficRatioMin: number | null
    errorRateMax: number | null
    confidence: number
  }
  /** Failed checks by their failure, on its cells. */
  failures: Partial<Record<ProbeFailure, number>>
  remaining: Forecast | null
  /** What was last told, so that only changes are. */
  told: string
}

/** Networks or versions that reports name: of about two minutes, of ten, and of days. */
export interface Names {
  readonly lately: Frequent
  readonly recent: Frequent
  readonly usual: Frequent
}

const createNames = (): Names => ({
  lately: createFrequent(),
  recent: createFrequent(),
  usual: createFrequent(),
})

export interface Explained {
  readonly by: string
  readonly share: number
}

export interface ServiceState {
  readonly baseline: ReportBaseline
  readonly windows: ReportWindows
  readonly rise: RiseState
  readonly probes: ProbeState
  readonly traffic: TrafficState
  readonly chatter: ChatterState
  readonly word: WordState
  readonly cells: CellRecord[]
  outages: OutageRecord[]
  readonly asns: Names
  readonly versions: Names
  /** Decayed over about ten minutes. */
  failures: Partial<Record<ProbeFailure, number>>
  /** Strongest surge of requests lately, decayed, and the diversity of its sources. */
  surge: { ratio: number; diversity: number | null; atMs: number }
  markers: MarkerSample[]
  readonly maintenance: MaintenanceState
  /** Per cell: the platform has closed it. */
  readonly closed: boolean[]
  readonly durations: Durations
  votes: ProbeVotes
  /** A probe came since the votes were counted. */
  votesAreStale: boolean
  scan: ScanResult
  /** Unexpected reports when an outage was called over, per window: late ones, that accuse nobody anew. */
  late: { readonly excess: number[]; readonly atMs: number } | null
  explained: Explained | null
  explainedTold: string | null
  expectUntilMs: number
  blockStartMs: number
  /** Something was suspected within the block: it teaches nothing. */
  blockIsDirty: boolean
  reportsHeardMs: number | null
  /** Null: it was not restarted. */
  restart: Restart | null
  /** How many outages were opened, so that no two share an id. */
  opened: number
}

export function createServiceState(shape: Shape): ServiceState {
  const cells = shape.features * shape.regions
  return {
    baseline: createReportBaseline(shape),
    windows: createReportWindows(shape),
    rise: {
      score: new Float64Array(shape.rows),
      count: new Float64Array(shape.rows),
      expected: new Float64Array(shape.rows),
      sinceMs: new Float64Array(shape.rows),
    },
    probes: createProbeState(),
    traffic: createTrafficState(shape),
    chatter: createChatterState(),
    word: createWordState(shape),
    cells: Array.from({ length: cells }, createCellRecord),
    outages: [],
    asns: createNames(),
    versions: createNames(),
    failures: {},
    surge: { ratio: 1, diversity: null, atMs: 0 },
    markers: [],
    maintenance: createMaintenance(cells),
    closed: Array.from({ length: cells }, () => false),
    durations: createDurations(),
    votes: {
      logOdds: new Float64Array(cells).fill(Number.NaN),
      verdicts: Array.from({ length: cells }, () => 'none'),
    },
    votesAreStale: false,
    scan: NOTHING,
    late: null,
    explained: null,
    explainedTold: null,
    expectUntilMs: 0,
    blockStartMs: 0,
    blockIsDirty: false,
    reportsHeardMs: null,
    restart: null,
    opened: 0,
  }
}

const createCellRecord = (): CellRecord => ({
  state: 'unknown',
  logOdds: null,
  contributions: {},
  sinceMs: null,
  evidenceUntilMs: 0,
  accusers: [],
  goodSinceMs: null,
  calmSinceMs: null,
})
