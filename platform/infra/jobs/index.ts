/** Background jobs on pg-boss: enqueued in the caller's transaction, run by whoever works the queue. */
import { CompiledQuery } from 'kysely'
import { PgBoss, type SendOptions } from 'pg-boss'
import type { Db, Tx } from '../db/index.ts'

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
}

/** What a backup keeps of pg-boss's schema: its queues, and the jobs that have not ended. */
export const JOB_TABLES = [
  { schema: 'pgboss', name: 'queue', where: null },
  { schema: 'pgboss', name: 'job', where: "state < 'completed'" },
] as const

/** Starts pg-boss in its own schema (`pgboss`), which it makes and migrates by itself. */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const boss = new PgBoss({
    connectionString: options.url,
    application_name: 'upbeat-jobs',
    max: options.isWorker ? 4 : 2,
    supervise: options.isWorker,
    schedule: false,
    superviseIntervalSeconds: 1,
    maintenanceIntervalSeconds: 60,
    monitorIntervalSeconds: 2,
    useListenNotify: true,
  })
  boss.on('error', options.onError)
  await boss.start()
  const ensureQueue = queuesOf(boss)

  return {
    async enqueue(tx, queue, data, enqueueOptions = {}) {
      await ensureQueue(queue)
      await boss.send(queue.name, data, toSendOptions(tx, enqueueOptions))
    },
    async countWaiting(queue) {
      return (await boss.getQueue(queue.name))?.readyCount ?? null
    },
    async work(queue, { concurrency = 1, perGroup }, handler) {
      await ensureQueue(queue)
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
      return { stop: () => boss.offWork(queue.name, { wait: true }) }
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: true, timeout: 5_000, close: true }),
  }
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
