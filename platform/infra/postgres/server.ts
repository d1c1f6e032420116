/** One run of the server: started by us or found alive, asked whether it answers, and stopped. */
import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { isWorkingIn, listWorkingIn, sendSignal } from '../../../kit/processes.ts'
import type { Binaries } from './binaries.ts'
import {
  NAME,
  openServerLog,
  PostgresStartError,
  readServerLogEnd,
  type Cluster,
  type ClusterPaths,
} from './cluster.ts'
import type { SystemUser } from '../system-users.ts'

export interface Server {
  readonly pid: number
  readonly port: number
  readonly isAdopted: boolean
  /** Settles when the server's main process is gone. */
  readonly ended: Promise<void>
}

const POLL_INTERVAL_MS = 25
/** How often the process of an adopted server is looked at; one of our own tells us by itself. */
const ADOPTED_POLL_INTERVAL_MS = 250
const ANSWER_TIMEOUT_MS = 3_000
/** A new database is a hundred files or so: on a busy disk that takes its time. */
const MAKE_TIMEOUT_MS = 120_000

/** Finds a server that a former supervisor left alive in this cluster; null when there is none. */
export async function findLivingServer(cluster: Cluster): Promise<Server | null> {
  const lines = (await readFile(join(cluster.dir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  if (!pid || !port || !(await isWorkingIn(pid, cluster.dir))) return null
  return { pid, port, isAdopted: true, ended: waitForEnd(pid, cluster.dir) }
}

async function waitForEnd(pid: number, dir: string): Promise<void> {
  while (await isWorkingIn(pid, dir)) await sleep(ADOPTED_POLL_INTERVAL_MS, undefined, { ref: false })
}

/**
 * Starts the server in a session of its own, so that neither Ctrl-C nor our death takes it down mid-way.
 *
 * @throws {PostgresStartError} when the program can't be run, or what is left of a former one can't be ended.
 */
export async function spawnServer(options: {
  paths: ClusterPaths
  cluster: Cluster
  binaries: Binaries
  user: SystemUser | null
  port: number
  settings: Readonly<Record<string, string>>
}): Promise<Server> {
  const { paths, cluster, binaries, user, port, settings } = options
  await endLeftovers(cluster.dir)
  // Nobody works here any more, so what is left of this file can only mislead: PostgreSQL would believe in a process
  // that merely was not reaped yet, or that got the same number since.
  await rm(join(cluster.dir, 'postmaster.pid'), { force: true })
  const log = await openServerLog(paths.log)
  try {
    const flags = Object.entries({ ...settings, port: String(port) }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ])
    const child = spawn(binaries.postgres, ['-D', cluster.dir, ...flags], {
      cwd: cluster.dir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' },
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    return { pid: child.pid!, port, isAdopted: false, ended }
  } catch (cause) {
    throw new PostgresStartError(`${binaries.postgres} could not be run: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    await log.close()
  }
}

/**
 * Ends what is left of a server whose main process was killed: until its last process is gone, a new one refuses to
 * start, and a busy one may take minutes to notice.
 */
async function endLeftovers(dir: string): Promise<void> {
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of await listWorkingIn(dir)) sendSignal(pid, signal)
    for (let waitedMs = 0; waitedMs < 1_000; waitedMs += POLL_INTERVAL_MS) {
      if ((await listWorkingIn(dir)).length === 0) return
      await sleep(POLL_INTERVAL_MS)
    }
  }
  throw new PostgresStartError(
    `Processes of a former PostgreSQL still work in ${dir} and can't be ended: ${(await listWorkingIn(dir)).join(', ')}`,
  )
}

/**
 * Waits until the server answers a query; it may be replaying its log after a crash, which takes as long as it takes.
 *
 * @throws {PostgresStartError} when it ends before, or is silent for `silenceMs` without saying that it is starting.
 */
export async function waitUntilAnswering(
  server: Server,
  options: { cluster: Cluster; paths: ClusterPaths; silenceMs?: number; signal?: AbortSignal },
): Promise<void> {
  const { cluster, paths, silenceMs = 30_000, signal } = options
  let hasEnded = false
  void server.ended.then(() => (hasEnded = true))
  let silentSince = performance.now()
  for (;;) {
    signal?.throwIfAborted()
    const answer = await ask(server.port, cluster)
    if (answer === 'ready') return
    if (hasEnded)
      throw new PostgresStartError(`PostgreSQL ended while starting:\n${await readServerLogEnd(paths.log)}`)
    if (answer === 'starting') silentSince = performance.now()
    if (performance.now() - silentSince > silenceMs)
      throw new PostgresStartError(
        `PostgreSQL (process ${server.pid}) has not answered for ${silenceMs} ms:\n${await readServerLogEnd(paths.log)}`,
      )
    await sleep(POLL_INTERVAL_MS)
  }
}

const CANNOT_CONNECT_NOW = '57P03'

async function ask(port: number, cluster: Cluster): Promise<'ready' | 'starting' | 'silent'> {
  const client = await connect({ port, password: cluster.password, timeoutMs: ANSWER_TIMEOUT_MS }).catch(
    (error: { code?: string }) =>
      error.code === CANNOT_CONNECT_NOW ? ('starting' as const) : ('silent' as const),
  )
  if (typeof client === 'string') return client
  const isReady = await client.query('select 1').then(
    () => true,
    () => false,
  )
  await client.end().catch(() => {})
  return isReady ? 'ready' : 'silent'
}

async function connect(options: { port: number; password: string; timeoutMs: number }): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: options.port,
    user: NAME,
    password: options.password,
    database: 'postgres',
    application_name: 'upbeat-supervisor',
    connectionTimeoutMillis: options.timeoutMs,
    query_timeout: options.timeoutMs,
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  return client
}

/** Makes the database on the first start. Idempotent. */
export async function ensureDatabase(server: Server, cluster: Cluster): Promise<void> {
  const client = await connect({
    port: server.port,
    password: cluster.password,
    timeoutMs: MAKE_TIMEOUT_MS,
  })
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [NAME])
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(NAME)}`)
  } finally {
    await client.end()
  }
}

/** Fast first (open transactions are rolled back, everything is written), then immediate, then by force. */
const STOP_STEPS = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const

/** Stops the server and waits until it is gone. */
export async function stopServer(server: Server, dir: string): Promise<void> {
  for (const { signal, waitMs } of STOP_STEPS) {
    if (!(await isWorkingIn(server.pid, dir))) return
    sendSignal(server.pid, signal)
    const giveUp = new AbortController()
    const timeout = sleep(waitMs, 'timeout', { signal: giveUp.signal }).catch(() => 'timeout')
    const outcome = await Promise.race([server.ended.then(() => 'ended'), timeout])
    giveUp.abort()
    if (outcome === 'ended') return
  }
}
