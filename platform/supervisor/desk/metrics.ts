/** What the operator's desk knows, as Prometheus reads it. What is unknown has no sample. */
import { Counter, Gauge, Registry } from 'prom-client'
import { ROLE_NAMES } from '../protocol.ts'
import { FEATURE_MODES, FEATURES } from '../../../contract/state.ts'
import type { OperationsState } from '../../../contract/operations.ts'
import type { Board } from './board.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [value: number | null | undefined, labels?: Labels]

/** Renders the text format, version 0.0.4. */
export async function renderMetrics(state: OperationsState, board: Board): Promise<string> {
  const registry = new Registry()
  const add = (
    kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    samples: readonly Sample[],
  ) => {
    const known = samples.filter(([value]) => value !== null && value !== undefined)
    if (known.length === 0) return
    const metric = new kind({
      name: `upbeat_${name}`,
      help,
      labelNames: Object.keys(known[0]![1] ?? {}),
      registers: [registry],
    })
    for (const [value, labels = {}] of known) metric.inc(labels, Number(value))
  }
  const gauge = (name: string, help: string, samples: readonly Sample[]) => add(Gauge, name, help, samples)
  const counter = (name: string, help: string, samples: readonly Sample[]) =>
    add(Counter, name, help, samples)
  addService(gauge, state)
  addProcesses(gauge, counter, state, board)
  addDoors(gauge, counter, board)
  addDependencies(gauge, state)
  addWork(gauge, state)
  return registry.metrics()
}

type Add = (name: string, help: string, samples: readonly Sample[]) => void

function addService(gauge: Add, { service, restoration, orders, waitingConnections }: OperationsState): void {
  gauge('level', 'How far the instance has degraded: 0 is everything, 5 the least.', [[service?.level]])
  gauge(
    'feature_mode',
    `How each feature works: ${FEATURE_MODES.map((mode, index) => `${index} ${mode}`).join(', ')}.`,
    FEATURES.map((feature) => [
      service && FEATURE_MODES.indexOf(service.features[feature].mode),
      { feature },
    ]),
  )
  gauge(
    'restoration_step_share',
    'What part of the people has each step of the way back; 1 when it is open.',
    (restoration?.steps ?? []).map(({ step, share }) => [share, { step }]),
  )
  gauge('operator_orders', 'Levels and pauses that operators ordered and that are in force.', [
    [(orders.level ? 1 : 0) + orders.features.length],
  ])
  gauge('maintenance', 'Whether maintenance goes on.', [
    [orders.maintenance && orders.maintenance.state !== 'announced' ? 1 : 0],
  ])
  gauge('waiting_connections', 'Connections that wait for a process to take them.', [[waitingConnections]])
}

function addProcesses(gauge: Add, counter: Add, { roles }: OperationsState, board: Board): void {
  const each = (read: (vitals: OperationsState['roles'][number]) => number | null) =>
    roles.map((vitals): Sample => [read(vitals), { role: vitals.role }])
  gauge(
    'process_ready',
    'Whether the process takes work.',
    each(({ state }) => (state === 'ready' ? 1 : 0)),
  )
  counter(
    'process_restarts_total',
    'Starts after a death that nobody asked for.',
    each((it) => it.restartCount),
  )
  gauge(
    'process_uptime_seconds',
    'Since its start.',
    each((it) => it.uptimeS),
  )
  gauge(
    'process_resident_memory_bytes',
    'Its resident memory.',
    each((it) => it.rssBytes),
  )
  gauge(
    'process_heap_share',
    'Of the heap that it may have.',
    each((it) => it.heapShare),
  )
  gauge(
    'process_cpu_cores',
    'Cores in use in the last second.',
    each((it) => it.cpuCores),
  )
  gauge(
    'process_busy_share',
    'Of the last second, in which its thread was at work.',
    each((it) => it.busyShare),
  )
  gauge(
    'event_loop_delay_p99_seconds',
    'How late its thread comes to things, 99 % of the time.',
    each(({ eventLoopP99Ms }) => eventLoopP99Ms && eventLoopP99Ms / 1_000),
  )
  const requests = (read: (counts: { count: number; failures: number; inFlight: number }) => number) =>
    ROLE_NAMES.map((role): Sample => {
      const counts = board.fresh(role)?.requests
      return [counts && read(counts), { role }]
    })
  counter(
    'requests_total',
    'Requests since the process began.',
    requests(({ count }) => count),
  )
  counter(
    'failures_total',
    'Answers of 500 and above, refusals left out.',
    requests(({ failures }) => failures),
  )
  gauge(
    'requests_in_flight',
    'Requests under way.',
    requests(({ inFlight }) => inFlight),
  )
}

function addDoors(gauge: Add, counter: Add, board: Board): void {
  const doors = ROLE_NAMES.flatMap((role) =>
    (board.fresh(role)?.doors ?? []).map((door) => ({ ...door, labels: { role, door: door.name } })),
  )
  gauge(
    'admission_limit',
    'Requests that may be under way at once.',
    doors.map((it) => [it.limit, it.labels]),
  )
  gauge(
    'admission_in_flight',
    'Requests let in and under way.',
    doors.map((it) => [it.inFlight, it.labels]),
  )
  const byClass = (read: (counts: (typeof doors)[number]['classes'][number]) => number) =>
    doors.flatMap(({ classes, labels }) =>
      classes.map((counts, rank): Sample => [read(counts), { ...labels, class: `P${rank}` }]),
    )
  gauge(
    'admission_waiting',
    'Requests that wait at the door.',
    byClass(({ waiting }) => waiting),
  )
  counter(
    'admission_admitted_total',
    'Requests that were let in.',
    byClass(({ admitted }) => admitted),
  )
  counter(
    'admission_refused_total',
    'Requests that were turned away.',
    byClass(({ refused }) => refused),
  )
}

function addDependencies(gauge: Add, { dependencies, database, disk }: OperationsState): void {
  gauge(
    'dependency_up',
    'Whether what Upbeat stands on is there.',
    dependencies.map(({ dependency, isUp }) => [isUp === null ? null : Number(isUp), { dependency }]),
  )
  gauge('database_ping_seconds', 'What the database took to answer last.', [
    [database?.pingMs && database.pingMs / 1_000],
  ])
  gauge('database_connections', 'Connections of one process.', [[database?.connections]])
  gauge('database_waiting', 'Queries that wait for a connection.', [[database?.waiting]])
  gauge('disk_free_bytes', 'Free space for the data folder.', [[disk.freeBytes]])
}

function addWork(gauge: Add, { journal, jobs, standby, backups, drills }: OperationsState): void {
  gauge('journal_writable', 'Whether what people do can be kept while the database is away.', [
    [journal?.isWritable === undefined || journal.isWritable === null ? null : Number(journal.isWritable)],
  ])
  gauge('journal_pending', 'Entries that are not yet in the database.', [[journal?.pending]])
  gauge('journal_bytes', 'Size of the journals.', [[journal?.sizeBytes]])
  const queues = (read: (queue: OperationsState['jobs']['queues'][number]) => number | null) =>
    jobs.queues.map((queue): Sample => [read(queue), { queue: queue.queue }])
  gauge(
    'jobs_waiting',
    'Jobs that wait.',
    queues(({ waiting }) => waiting),
  )
  gauge(
    'jobs_running',
    'Jobs that run.',
    queues(({ running }) => running),
  )
  gauge(
    'jobs_oldest_age_seconds',
    'How long the oldest job has waited.',
    queues((it) => it.oldestAgeS),
  )
  const ageS = (at: string | null): number | null => (at && (Date.now() - Date.parse(at)) / 1_000) || null
  gauge('standby_age_seconds', 'Age of what is on disk for the worst case.', [[ageS(standby.asOf)]])
  gauge('backup_age_seconds', 'Age of the last backup.', [[ageS(backups.lastBackupAt)]])
  gauge('restore_proof_age_seconds', 'Since a restore was last proven.', [[ageS(backups.lastProofAt)]])
  gauge('drill_promises_broken', 'Promises that the last drills found broken.', [[drills?.failed]])
}
