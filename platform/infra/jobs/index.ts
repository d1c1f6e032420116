/** Background jobs on pg-boss: enqueued in the caller's transaction, run by whoever works the queue. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CompiledQuery } from 'kysely'
import { PgBoss, type SendOptions } from 'pg-boss'
import {
  DatabaseAwayError,
  isDatabaseUnavailable,
  openIdleGuard,
  whenUp,
  type DatabaseGuard,
  type Db,
  type Tx,
} from '../db/index.ts'
import { trackSockets, type Sockets } from './sockets.ts'

/** What could not be begun is tried again after this. */
const START_RETRY_MS = 1_000
/** Jobs under way may end by themselves for so long when it closes… */
const GRACE_MS = 5_000
/** …and so much later nothing is waited for any more: a server that is silent does not say goodbye. */
const CLOSE_MAX_MS = GRACE_MS + 2_000
/** How long a job waits for the queues when the database has just come. */
const START_PATIENCE_MS = 3_000

/** A queue, declared once by the module that owns it. `T` is what a job carries. */
export interface Queue<T extends object> {
  readonly name: string
  /** How often a job that failed is tried again. @default 3 */
  readonly retryLimit?: number
  /** Seconds before the first retry; doubles each time. @default 5 */
  readonly retryDelayS?: number
  /** A job longer than this counts as lost. @default 900 */
  readonly expireS?: number
  /** A running job that gave no sign of life for this long is taken up again. pg-boss's least is 10. @default 10 */
  readonly heartbeatS?: number
  /** At most one waiting job per key. @default false */
  readonly isUniqueByKey?: boolean
  /** Only there so that `T` is part of the type. */
  readonly data?: T
}

export interface EnqueueOptions {
  /** With `isUniqueByKey`: what the job is about. */
  readonly key?: string
  /** Whose job it is, for fairness. */
  readonly group?: string
  readonly priority?: number
  readonly startAfterS?: number
}

export interface RunningJob<T> {
  readonly id: string
  readonly data: T
  /** 0 on the first try. */
  readonly attempt: number
  /** Aborted when the process stops or the job was taken away. */
  readonly signal: AbortSignal
}

export interface WorkOptions {
  /** Jobs at once in this process. @default 1 */
  readonly concurrency?: number
  /** Jobs at once of one group, over all processes. */
  readonly perGroup?: number
}

export interface Working {
  /** Takes no more jobs of the queue here; settles when those under way have ended. */
  stop(): Promise<void>
}

export interface Jobs extends AsyncDisposable {
  /** Puts a job into the queue when the transaction commits. */
  enqueue<T extends object>(tx: Db | Tx, queue: Queue<T>, data: T, options?: EnqueueOptions): Promise<void>
  /** Jobs that could begin now, as counted a few seconds ago; null: the queue is not known yet. */
  countWaiting(queue: Queue<object>): Promise<number | null>
  /** Runs the queue's jobs here until stopped, or until disposal. */
  work<T extends object>(
    queue: Queue<T>,
    options: WorkOptions,
    handler: (job: RunningJob<T>) => Promise<void>,
  ): Promise<Working>
}

export interface JobsOptions {
  readonly url: string
  /** Whether this process works and supervises queues, or only puts jobs in. */
  readonly isWorker: boolean
  readonly onError: (error: Error) => void
  /** @default none: the database has to be there */
  readonly guard?: DatabaseGuard
}

/** What a backup keeps of pg-boss's schema: its queues, and the jobs that have not ended. */
export const JOB_TABLES = [
  { schema: 'pgboss', name: 'queue', where: null },
  { schema: 'pgboss', name: 'job', where: "state < 'completed'" },
] as const

/**
 * Opens the queues, on pg-boss in its own schema (`pgboss`), which it makes and migrates by itself. With a guard, that
 * begins when the database is there: until then nothing can be enqueued, and the handlers of `work` wait.
 */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const closing = new AbortController()
  const { guard = openIdleGuard() } = options
  const starting = options.guard ? startWhenUp(options, guard, closing.signal) : startBoss(options)
  let running: Running | null = null
  const started = starting.then((made) => (running = made))
  started.catch(() => {})
  if (!options.guard) await started

  async function start(): Promise<Running> {
    if (running) return running
    if (!guard.isUp) throw new DatabaseAwayError()
    const patience = new AbortController()
    const tooLate = sleep(START_PATIENCE_MS, null, { signal: patience.signal }).catch(() => null)
    const made = await Promise.race([started, tooLate])
    patience.abort()
    if (!made) throw new DatabaseAwayError()
    return made
  }

  return {
    async enqueue(tx, queue, data, enqueueOptions = {}) {
      const { boss, ensureQueue } = await start()
      await ensureQueue(queue)
      await boss.send(queue.name, data, toSendOptions(tx, enqueueOptions))
    },
    async countWaiting(queue) {
      return (await running?.boss.getQueue(queue.name))?.readyCount ?? null
    },
    async work(queue, workOptions, handler) {
      const stopping = new AbortController()
      const signal = AbortSignal.any([stopping.signal, closing.signal])
      const working = keepTrying(options, guard, signal, async () => {
        const { boss, ensureQueue } = await Promise.race([started, rejectOn(signal)])
        await ensureQueue(queue)
        if (!signal.aborted) await workOn(boss, queue, workOptions, handler)
        return boss
      }).catch(() => null)
      return {
        async stop() {
          stopping.abort()
          await (await working)?.offWork(queue.name, { wait: true })
        },
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      const made = await started.catch(() => null)
      if (made) await stopBoss(made, options)
    },
  }
}

interface Running {
  readonly boss: PgBoss
  readonly sockets: Sockets
  readonly ensureQueue: (queue: Queue<object>) => Promise<void>
}

/** Settles in CLOSE_MAX_MS at the latest, whatever the database does. */
async function stopBoss({ boss, sockets }: Running, { guard, onError }: JobsOptions): Promise<void> {
  const cut = () => sockets.destroyAll()
  const stopLooking = guard?.onChange((isUp) => isUp || cut())
  if (guard && !guard.isUp) cut()
  const closing = new AbortController()
  const tooLate = sleep(CLOSE_MAX_MS, undefined, { signal: closing.signal }).then(cut, () => {})
  const stopped = boss
    .stop({ graceful: true, timeout: GRACE_MS, close: true })
    // What it wanted to write down at its end is found out by others: jobs without a sign of life are taken up again.
    .catch((error: Error) => isDatabaseUnavailable(error) || onError(error))
  await Promise.race([stopped, tooLate])
  stopLooking?.()
  closing.abort()
}

async function startBoss(
  { url, isWorker, onError, guard }: JobsOptions,
  signal?: AbortSignal,
): Promise<Running> {
  const sockets = trackSockets()
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'upbeat-jobs',
    max: isWorker ? 4 : 2,
    supervise: isWorker,
    schedule: false,
    superviseIntervalSeconds: 1,
    maintenanceIntervalSeconds: 60,
    monitorIntervalSeconds: 2,
    useListenNotify: true,
    // Its pool is made with all that it is given; so is its listening connection, but for the guard's client.
    ...(guard?.Client && { Client: guard.Client }),
    ...{ stream: () => sockets.make() },
  })
  boss.on('error', (error) => {
    // Told once, by the guard, not by each look for work.
    if (!(error instanceof DatabaseAwayError)) onError(error)
  })
  const givingUp = Promise.withResolvers<never>()
  const stopLooking = guard?.onChange((isUp) => isUp || givingUp.reject(new DatabaseAwayError()))
  const giveUp = () => givingUp.reject(signal!.reason)
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    // A start whose connections were cut may never end.
    await Promise.race([boss.start(), givingUp.promise])
  } catch (error) {
    // Nobody waits for it: it waits for the start.
    boss.stop({ graceful: false }).catch(() => {})
    sockets.destroyAll()
    throw error
  } finally {
    stopLooking?.()
    signal?.removeEventListener('abort', giveUp)
  }
  return { boss, sockets, ensureQueue: queuesOf(boss) }
}

const startWhenUp = (options: JobsOptions, guard: DatabaseGuard, signal: AbortSignal): Promise<Running> =>
  keepTrying(options, guard, signal, () => startBoss(options, signal))

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Until it works, or the signal says that it is no longer wanted. */
async function keepTrying<T>(
  { onError }: JobsOptions,
  guard: DatabaseGuard,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    await whenUp(guard, signal)
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (guard.isUp) onError(error as Error)
      await sleep(START_RETRY_MS, undefined, { signal })
    }
  }
}

async function workOn<T extends object>(
  boss: PgBoss,
  queue: Queue<T>,
  { concurrency = 1, perGroup }: WorkOptions,
  handler: (job: RunningJob<T>) => Promise<void>,
): Promise<void> {
  const workOptions = {
    localConcurrency: concurrency,
    batchSize: 1,
    pollingIntervalSeconds: 2,
    // A retry that has become due wakes nobody: pg-boss's 30 s would be the time to recover.
    notifyPollingIntervalSeconds: 2,
    heartbeatRefreshSeconds: 3,
    ...(perGroup && { groupConcurrency: perGroup }),
  }
  await boss.work(queue.name, workOptions, async ([job]) => {
    if (job)
      await handler({ id: job.id, data: job.data as never, attempt: job.retryCount, signal: job.signal })
  })
}

/** Makes each queue on its first use in this process. */
function queuesOf(boss: PgBoss): (queue: Queue<object>) => Promise<void> {
  const known = new Map<string, Promise<void>>()
  return (queue) => {
    let made = known.get(queue.name)
    if (!made) {
      made = boss.createQueue(queue.name, {
        policy: queue.isUniqueByKey ? 'short' : 'standard',
        retryLimit: queue.retryLimit ?? 3,
        retryDelay: queue.retryDelayS ?? 5,
        retryBackoff: true,
        expireInSeconds: queue.expireS ?? 900,
        heartbeatSeconds: queue.heartbeatS ?? 10,
        notify: true,
      })
      made.catch(() => known.delete(queue.name))
      known.set(queue.name, made)
    }
    return made
  }
}

/** A job that goes into its queue through the caller's connection. */
function toSendOptions(tx: Db | Tx, { key, group, priority, startAfterS }: EnqueueOptions): SendOptions {
  return {
    db: {
      executeSql: async (text, values = []) => ({
        rows: (await tx.executeQuery(CompiledQuery.raw(text, values))).rows,
      }),
    },
    ...(key && { singletonKey: key }),
    ...(group && { group: { id: group } }),
    ...(priority !== undefined && { priority }),
    ...(startAfterS !== undefined && { startAfter: startAfterS }),
  }
}
