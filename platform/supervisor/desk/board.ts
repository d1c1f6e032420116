/** What the roles last said of themselves, and how it went over the last fifteen minutes. */
import {
  HISTORY_INTERVAL_S,
  HISTORY_MAX_S,
  type OperationsHistory,
  type RoleName,
  type RoleVitals,
} from '../../../contract/operations.ts'
import type { RoleReport } from '../../app/vitals.ts'
import type { RoleState } from '../role-process.ts'

/** One that said nothing for so long is not known any more: three reports are missing. */
export const FRESH_MS = 3_500
const ROWS_MAX = HISTORY_MAX_S / HISTORY_INTERVAL_S

export interface Process {
  readonly role: RoleName
  readonly state: RoleState
  readonly pid: number | null
  readonly restartCount: number
}

export interface Board extends Disposable {
  /** A process of this role says how it fares. */
  hear(role: RoleName, report: RoleReport): void
  /** The process that had said so is gone. */
  forget(role: RoleName): void
  /** Null: it said nothing for some seconds. */
  fresh(role: RoleName): RoleReport | null
  /** Since its last word; null: it has said none. */
  silentMs(role: RoleName): number | null
  vitals(): RoleVitals[]
  history(afterS: number): OperationsHistory
}

type Row = { readonly [column in keyof OperationsHistory]: OperationsHistory[column][number] }

interface BoardOptions {
  readonly processes: () => readonly Process[]
  /** @default performance.now */
  readonly monotonicMs?: () => number
}

/** Begins to keep a row a second. */
export function createBoard({ processes, monotonicMs = () => performance.now() }: BoardOptions): Board {
  const heard = new Map<RoleName, { readonly report: RoleReport; readonly atMs: number }>()
  const rows: Row[] = []

  const fresh = (role: RoleName): RoleReport | null => {
    const last = heard.get(role)
    return last && monotonicMs() - last.atMs <= FRESH_MS ? last.report : null
  }
  const timer = setInterval(() => {
    rows.push(rowOf(fresh))
    if (rows.length > ROWS_MAX) rows.shift()
  }, HISTORY_INTERVAL_S * 1_000)
  timer.unref()

  return {
    hear: (role, report) => void heard.set(role, { report, atMs: monotonicMs() }),
    forget: (role) => void heard.delete(role),
    fresh,
    silentMs(role) {
      const last = heard.get(role)
      return last ? monotonicMs() - last.atMs : null
    },
    vitals: () =>
      processes().map((process) =>
        vitalsOf(process, fresh(process.role), heard.get(process.role)?.report.at ?? null),
      ),
    history: (afterS) => toColumns(rows.filter(({ at }) => at > afterS)),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

const vitalsOf = (
  { role, state, pid, restartCount }: Process,
  report: RoleReport | null,
  asOf: string | null,
): RoleVitals => ({
  role,
  state,
  pid,
  restartCount,
  asOf,
  uptimeS: report?.uptimeS ?? null,
  eventLoopP99Ms: report?.eventLoopP99Ms ?? null,
  busyShare: report?.busyShare ?? null,
  cpuCores: report?.cpuCores ?? null,
  rssBytes: report?.rssBytes ?? null,
  heapShare: report?.heapShare ?? null,
  requestsPerS: report?.requests?.perS ?? null,
  failuresPerS: report?.requests?.failuresPerS ?? null,
  inFlight: report?.requests?.inFlight ?? null,
  doors: (report?.doors ?? []).map(({ classes, ...door }) => ({
    ...door,
    classes: classes.map(({ waiting, admittedPerS, refusedPerS }, rank) => ({
      class: (['P0', 'P1', 'P2', 'P3'] as const)[rank]!,
      waiting,
      admittedPerS,
      refusedPerS,
    })),
  })),
})

function rowOf(fresh: (role: RoleName) => RoleReport | null): Row {
  const api = fresh('api')
  const all = [api, fresh('ingest'), fresh('worker')].filter((report) => report !== null)
  const serving = all.filter(({ requests }) => requests !== null)
  const door = api?.doors.find(({ name }) => name === 'process')
  const classes = door?.classes ?? null
  const jobs = fresh('worker')?.jobs?.queues
  return {
    at: Math.round(Date.now() / 1_000),
    level: api?.service.level ?? null,
    requestsPerS: sum(serving.map(({ requests }) => requests!.perS)),
    refusedPerS: classes && sum(classes.map(({ refusedPerS }) => refusedPerS)),
    failuresPerS: sum(serving.map(({ requests }) => requests!.failuresPerS)),
    inFlight: sum(serving.map(({ requests }) => requests!.inFlight)),
    limit: door?.limit ?? null,
    waiting: classes && sum(classes.map(({ waiting }) => waiting)),
    eventLoopP99Ms: api?.eventLoopP99Ms ?? null,
    rssBytes: sum(all.map(({ rssBytes }) => rssBytes)),
    cpuCores: sum(all.map(({ cpuCores }) => cpuCores)),
    databasePingMs: api?.database.pingMs ?? null,
    journalPending: sum(all.flatMap(({ journal }) => journal?.pending ?? [])),
    jobsWaiting: jobs ? sum(jobs.flatMap(({ waiting }) => waiting ?? [])) : null,
  }
}

/** Null for none: the sum of nothing is not known to be 0. */
const sum = (numbers: readonly number[]): number | null =>
  numbers.length === 0 ? null : numbers.reduce((total, number) => total + number, 0)

function toColumns(rows: readonly Row[]): OperationsHistory {
  const column = (name: Exclude<keyof Row, 'at'>) => rows.map((row) => round(row[name]))
  return {
    at: rows.map(({ at }) => at),
    level: column('level'),
    requestsPerS: column('requestsPerS'),
    refusedPerS: column('refusedPerS'),
    failuresPerS: column('failuresPerS'),
    inFlight: column('inFlight'),
    limit: column('limit'),
    waiting: column('waiting'),
    eventLoopP99Ms: column('eventLoopP99Ms'),
    rssBytes: column('rssBytes'),
    cpuCores: column('cpuCores'),
    databasePingMs: column('databasePingMs'),
    journalPending: column('journalPending'),
    jobsWaiting: column('jobsWaiting'),
  }
}

/** Plots need no more digits, and the answer gets half as long. */
const round = (value: number | null): number | null =>
  value === null ? null : Math.round(value * 1_000) / 1_000
