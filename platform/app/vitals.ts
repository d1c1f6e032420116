/** How this process fares, told to its supervisor once a second. Gathering it takes well under a millisecond. */
import type { Server } from 'node:http'
import { performance } from 'node:perf_hooks'
import type {
  AbuseVitals,
  DatabaseVitals,
  Dependency,
  JobQueueVitals,
  JournalVitals,
  Restoration,
} from '../../contract/operations.ts'
import type { Level } from '../../engines/steward/index.ts'
import type { ServiceState } from '../../contract/state.ts'
import type { Door } from '../../kit/admission/index.ts'
import { CLASSES } from './priority-classes.ts'
import { createGoldenRecorder, type GoldenRecorder, type GoldenRequest } from './golden-requests.ts'
import { createTrialCounter, type TrialCounts } from './trial-counts.ts'

export interface DoorReport {
  readonly name: string
  readonly limit: number
  readonly inFlight: number
  readonly usualMs: number | null
  /** P0 first. */
  readonly classes: readonly {
    readonly waiting: number
    readonly admitted: number
    readonly refused: number
    readonly admittedPerS: number
    readonly refusedPerS: number
  }[]
}

/** What this process can say without asking anybody. Counts only ever grow; rates are since the report before. */
export interface OwnReport {
  readonly at: string
  readonly uptimeS: number
  readonly busyShare: number
  readonly cpuCores: number
  readonly rssBytes: number
  readonly requests: {
    readonly count: number
    readonly failures: number
    readonly inFlight: number
    readonly perS: number
    readonly failuresPerS: number
  } | null
  readonly doors: readonly DoorReport[]
  /** For the judge of a release; null: it serves no HTTP. */
  readonly trial: TrialCounts | null
  /** Noted since the report before. */
  readonly golden: readonly GoldenRequest[]
  /** Null: nothing of it is in force here. */
  readonly abuse: AbuseVitals | null
}

/** With what its parts know. */
export interface RoleReport extends OwnReport {
  readonly eventLoopP99Ms: number | null
  readonly heapShare: number | null
  /** What its own load asks for. */
  readonly pressureLevel: Level
  readonly service: ServiceState
  readonly causes: readonly string[]
  readonly restoration: Restoration
  readonly dependencies: Readonly<Record<Dependency, boolean | null>>
  readonly database: DatabaseVitals
  readonly standby: { readonly asOf: string | null; readonly videos: number | null }
  readonly journal: JournalVitals | null
  readonly jobs: Jobs | null
}

interface Jobs {
  readonly asOf: string
  readonly queues: readonly JobQueueVitals[]
}

export interface Vitals {
  /** Counts the requests of an HTTP server. */
  watchServer(server: Server): void
  addDoor(door: Door): void
  /** A page of a feed has been answered. */
  noteFeed(isEmpty: boolean): void
  readonly noteGolden: GoldenRecorder['note']
  /** A connection was taken that had waited so long for it. */
  noteConnectionWait(waitedMs: number): void
  /** The longest since it was asked for last; what still waits is not in it. */
  takeConnectionWaitMs(): number
  /** @param report called with each report */
  setAbuse(report: () => AbuseVitals): void
  /** Since when the database is up, or away; null: since before this process. */
  readonly databaseSince: string | null
  noteDatabase(): void
  /** As they were counted last; null: nobody counts them here, or not yet. */
  readonly jobs: Jobs | null
  setJobs(jobs: Jobs): void
  report(): OwnReport
}

/** Begins to count. */
export function createVitals(): Vitals {
  const doors: Door[] = []
  const traffic = countRequests()
  const trial = createTrialCounter()
  const golden = createGoldenRecorder()
  let before: Moment | null = null
  let jobs: Jobs | null = null
  let databaseSince: string | null = null
  let abuse: (() => AbuseVitals) | null = null
  let connectionWaitMs = 0

  return {
    watchServer(server) {
      traffic.watch(server)
      trial.watch(server)
    },
    noteFeed: trial.noteFeed,
    noteGolden: golden.note,
    noteConnectionWait(waitedMs) {
      connectionWaitMs = Math.max(connectionWaitMs, waitedMs)
    },
    takeConnectionWaitMs() {
      const longestMs = connectionWaitMs
      connectionWaitMs = 0
      return longestMs
    },
    addDoor: (door) => void doors.push(door),
    setAbuse(report) {
      abuse = report
    },
    get databaseSince() {
      return databaseSince
    },
    noteDatabase() {
      databaseSince = new Date().toISOString()
    },
    get jobs() {
      return jobs
    },
    setJobs(counted) {
      jobs = counted
    },
    report() {
      const now = takeMoment(doors, traffic.counts())
      const since = before ?? now
      before = now
      const elapsedS = Math.max((now.atMs - since.atMs) / 1_000, 1e-3)
      const perS = (count: number, countBefore: number) => (count - countBefore) / elapsedS
      const cpu = now.cpu.user + now.cpu.system - since.cpu.user - since.cpu.system
      return {
        at: new Date().toISOString(),
        uptimeS: process.uptime(),
        busyShare: performance.eventLoopUtilization(now.loop, since.loop).utilization || 0,
        cpuCores: cpu / 1e6 / elapsedS,
        rssBytes: process.memoryUsage.rss(),
        requests: now.requests && {
          ...now.requests,
          perS: perS(now.requests.count, since.requests?.count ?? 0),
          failuresPerS: perS(now.requests.failures, since.requests?.failures ?? 0),
        },
        trial: now.requests && trial.counts(),
        golden: golden.take(),
        abuse: abuse?.() ?? null,
        doors: now.doors.map((door, index) => ({
          ...door,
          classes: door.classes.map((each, rank) => {
            const earlier = since.doors[index]?.classes[rank]
            return {
              ...each,
              admittedPerS: perS(each.admitted, earlier?.admitted ?? 0),
              refusedPerS: perS(each.refused, earlier?.refused ?? 0),
            }
          }),
        })),
      }
    },
  }
}

interface Counts {
  readonly count: number
  readonly failures: number
  readonly inFlight: number
}

/** A refusal in order (503) is no failure. */
const isFailure = (status: number): boolean => status >= 500 && status !== 503

function countRequests() {
  let [count, failures, inFlight] = [0, 0, 0]
  let isWatching = false
  return {
    watch(server: Server): void {
      isWatching = true
      server.prependListener('request', (_request, response) => {
        count += 1
        inFlight += 1
        response.once('close', () => {
          inFlight -= 1
          if (isFailure(response.statusCode)) failures += 1
        })
      })
    },
    counts: (): Counts | null => (isWatching ? { count, failures, inFlight } : null),
  }
}

type Moment = ReturnType<typeof takeMoment>

const takeMoment = (doors: readonly Door[], requests: Counts | null) => ({
  atMs: performance.now(),
  loop: performance.eventLoopUtilization(),
  cpu: process.cpuUsage(),
  requests,
  doors: doors.map(({ name, gate }) => ({
    name,
    limit: gate.limit,
    inFlight: gate.inFlight,
    usualMs: gate.usualMs > 0 ? gate.usualMs : null,
    classes: CLASSES.map((rank) => ({
      waiting: gate.waitingOf(rank),
      admitted: gate.admittedOf(rank),
      refused: gate.refusedOf(rank),
    })),
  })),
})
