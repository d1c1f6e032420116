/**
 * The embedded PostgreSQL: made on the first start, kept alive, stopped in order. A server that outlived its
 * supervisor is adopted.
 */
import { chmod, mkdir } from 'node:fs/promises'
import type { Log } from '../../../kit/log.ts'
import { pauseBeforeRestart } from '../../../kit/processes.ts'
import { findBinaries } from './binaries.ts'
import { choosePort, clusterPaths, ensureCluster, NAME, PostgresStartError, type Cluster } from './cluster.ts'
import {
  ensureDatabase,
  findLivingServer,
  spawnServer,
  stopServer,
  waitUntilAnswering,
  type Server,
} from './server.ts'
import { chooseSystemUser, requireEnterable } from './system-user.ts'

export { PostgresMissingError } from './binaries.ts'
export { PostgresStartError } from './cluster.ts'
export { FolderBlockedError } from './system-user.ts'

export interface PostgresOptions {
  /** The folder that holds all of it; made when missing. */
  readonly dataDir: string
  /** @default the port of the last time while it is free, else any free one */
  readonly port?: number
  /** Server settings beyond the defaults, such as `fsync: 'off'` in a test. */
  readonly settings?: Readonly<Record<string, string>>
  readonly log: Log
  /** Called with the connection string as soon as it is known, before the server answers, and whenever it is another one. */
  readonly onAddress?: (url: string) => void
  /** Called with a line for a person when a step begins that takes noticeable time. */
  readonly onProgress?: (line: string) => void
}

export interface Postgres extends AsyncDisposable {
  /** Connection string of the database, as its owner; stays true over restarts. */
  readonly url: string
  /** Of the server's main process; null while it is down. */
  readonly pid: number | null
  /** Whether it was alive before us. */
  readonly isAdopted: boolean
  /** Fast shutdown: open transactions roll back, everything committed is on disk. Idempotent. */
  stop(): Promise<void>
  /** Lets the server live on and only stops watching it. */
  release(): void
}

/** For loopback only, durable, and small: an instance shares its machine with ffmpeg. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  max_wal_size: '512MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

const START_ATTEMPTS = 3

/**
 * Starts PostgreSQL, or adopts the living one of this folder, and keeps it alive: when it dies it is started again
 * after at most 2 s.
 *
 * @throws {PostgresMissingError} when no PostgreSQL is installed for this machine.
 * @throws {FolderBlockedError} when, as root, PostgreSQL's user may not enter the data folder.
 * @throws {PostgresStartError} when it does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, log, onProgress = () => {}, onAddress = () => {} } = options
  const settings = { ...SETTINGS, ...options.settings }
  const paths = clusterPaths(dataDir)
  const user = await chooseSystemUser(paths.cluster)
  await mkdir(paths.home, { recursive: true })
  if (user) {
    await chmod(paths.home, 0o755)
    await requireEnterable(paths.home, user)
  }
  const binaries = await findBinaries({ copyDir: paths.home, user })
  onProgress(`PostgreSQL ${binaries.majorVersion}`)
  const cluster = await ensureCluster({ paths, binaries, user })

  const spawnOn = (port: number) => spawnServer({ paths, cluster, binaries, user, port, settings })
  const awaitAnswer = (server: Server, signal?: AbortSignal) =>
    waitUntilAnswering(server, { cluster, paths, signal })

  let server = await adopt(cluster, awaitAnswer, { log, onAddress })
  for (let attempt = 1; !server; attempt++) {
    try {
      const port = await choosePort(paths, options.port)
      onAddress(urlOf(cluster, port))
      const started = await spawnOn(port)
      await awaitAnswer(started)
      server = started
    } catch (error) {
      // Another program may have taken the port between our look and PostgreSQL's; the next look finds another.
      if (attempt === START_ATTEMPTS || !(error instanceof PostgresStartError)) throw error
      log.warn({ err: error, attempt }, 'postgres.start-failed')
    }
  }
  await ensureDatabase(server, cluster)
  return keepAlive({ first: server, cluster, log, spawnOn, awaitAnswer })
}

const urlOf = ({ password }: Cluster, port: number): string =>
  `postgres://${NAME}:${password}@127.0.0.1:${port}/${NAME}`

async function adopt(
  cluster: Cluster,
  awaitAnswer: (server: Server) => Promise<void>,
  { log, onAddress }: { log: Log; onAddress: (url: string) => void },
): Promise<Server | null> {
  const living = await findLivingServer(cluster)
  if (!living) return null
  onAddress(urlOf(cluster, living.port))
  try {
    await awaitAnswer(living)
    log.info({ pid: living.pid, port: living.port }, 'postgres.adopted')
    return living
  } catch (error) {
    log.warn({ err: error, pid: living.pid }, 'postgres.adoption-failed')
    await stopServer(living, cluster.dir)
    return null
  }
}

function keepAlive(options: {
  first: Server
  cluster: Cluster
  log: Log
  spawnOn: (port: number) => Promise<Server>
  awaitAnswer: (server: Server, signal?: AbortSignal) => Promise<void>
}): Postgres {
  const { first, cluster, log, spawnOn, awaitAnswer } = options
  const closing = new AbortController()
  let current: Server | null = first

  async function restart(): Promise<Server | null> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      await pauseBeforeRestart(attempt, closing.signal)
      if (closing.signal.aborted) break
      try {
        // It stays in `current` while it starts, so that stop() finds it whenever it comes.
        current = await spawnOn(first.port)
        await awaitAnswer(current, closing.signal)
        log.info({ pid: current.pid, attempt }, 'postgres.restarted')
        return current
      } catch (error) {
        if (!closing.signal.aborted) log.error({ err: error, attempt }, 'postgres.restart-failed')
      }
    }
    return null
  }

  async function watch(): Promise<void> {
    for (let server: Server | null = first; server; server = await restart()) {
      await Promise.race([server.ended, aborted(closing.signal)])
      if (closing.signal.aborted) return
      log.error({ pid: server.pid }, 'postgres.ended-unexpectedly')
      current = null
    }
  }
  const watching = watch()

  async function stop(): Promise<void> {
    closing.abort()
    await watching
    if (current) await stopServer(current, cluster.dir)
    current = null
  }

  return {
    url: urlOf(cluster, first.port),
    get pid() {
      return current?.pid ?? null
    },
    isAdopted: first.isAdopted,
    stop,
    release: () => closing.abort(),
    [Symbol.asyncDispose]: stop,
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
