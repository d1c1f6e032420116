/**
 * Runs one machine's Upbeat: owns the public socket, PostgreSQL and the roles, starts them in order, starts again what
 * dies, and stops them in order.
 */
import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../../kit/free-port.ts'
import { environmentWith, type Config } from '../app/config.ts'
import { startPostgres, type Postgres } from '../infra/postgres/index.ts'
import { describeReach, localUrlOf } from './addresses.ts'
import { openControl, type ControlRequest, type SupervisorStatus } from './control.ts'
import { decideOnDemo, startDemo } from './demo.ts'
import { openFrontDoor, type FrontDoor } from './front-door.ts'
import { endLeftovers, type RoleRecords } from './leftovers.ts'
import { lockDataDir } from './lock.ts'
import { openOutput, type Output } from './output.ts'
import { bringSchemaUpToDate } from './schema.ts'
import { ROLE_NAMES, type FromRole, type RoleName } from './protocol.ts'
import { createRoleProcess, type RoleProcess } from './role-process.ts'
import { startSibling, type Sibling } from './sibling.ts'

export { AlreadyRunningError } from './lock.ts'
export { localUrlOf } from './addresses.ts'
export { askSupervisor } from './control.ts'
export type { ControlRequest, SupervisorStatus } from './control.ts'
export { PortUnavailableError } from './front-door.ts'
export { DRAIN_TIMEOUT_MS } from './protocol.ts'
export type { FromRole, FromSupervisor, RoleName } from './protocol.ts'
export { bringSchemaUpToDate } from './schema.ts'

export interface SupervisorOptions {
  readonly config: Config
  /** The program that runs a role, given its name as argument. */
  readonly program: string
  /** Whether standard error is read by a person rather than kept by a service manager. */
  readonly isForPerson: boolean
}

export interface Supervisor {
  /** The public address. */
  readonly url: string
  /** Drains the roles, then stops PostgreSQL. Idempotent. */
  stop(): Promise<void>
  /** Ends the roles by force, then stops PostgreSQL. For the impatient. */
  kill(): void
}

/**
 * Starts everything; answers when a person can use it. When it fails, it has stopped what it had started.
 *
 * @param signal aborts the start
 * @throws {AlreadyRunningError} {PortUnavailableError} {FolderBlockedError} {PostgresStartError}
 */
export async function startSupervisor(
  options: SupervisorOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Supervisor> {
  const { config } = options
  await using stack = new AsyncDisposableStack()
  await ensureDataDir(config.dataDir)
  stack.use(await lockDataDir(config.dataDir))
  await decideOnDemo(config.dataDir, config.isDemoWanted)
  const output = stack.use(
    openOutput({ dataDir: config.dataDir, level: config.logLevel, isForPerson: options.isForPerson }),
  )
  const door = stack.use(await openFrontDoor(config))
  const url = config.publicUrl ?? localUrlOf(config.host, door.port)
  const progress = showProgress(output)
  output.tell(
    `Upbeat keeps its data in ${config.dataDir}${output.logFile ? `, its logs in ${output.logFile}` : ''}`,
  )

  const sibling = startWatchBeside(config, door.port, output)
  if (sibling) stack.defer(() => sibling.stop())

  const records = await endLeftovers(config.dataDir)
  const postgres = config.database.url
    ? null
    : stack.use(await progress.during('PostgreSQL', () => start(config, output)))
  signal.throwIfAborted()
  const databaseUrl = config.database.url ?? postgres!.url
  await progress.during('Database schema', () =>
    bringSchemaUpToDate({ url: databaseUrl, log: output.log, tell: output.tell, signal }),
  )

  const watchUrl =
    config.watchUrl ?? (config.sibling?.port ? localUrlOf(config.host, config.sibling.port) : null)
  const link = createOperatorLink(output, url)
  const onMessage = link.hear
  const roles = await createRoles({
    ...options,
    output,
    records,
    door,
    databaseUrl,
    url,
    watchUrl,
    onMessage,
  })
  stack.defer(() => stopAll(roles))
  let isReady = false
  const status = (): SupervisorStatus => ({
    pid: process.pid,
    port: door.port,
    isReady,
    waitingConnections: door.waitingCount,
    postgres: postgres && { pid: postgres.pid, isAdopted: postgres.isAdopted },
    roles: roles.all.map(({ role, state, pid, restartCount }) => ({ role, state, pid, restartCount })),
  })
  const control = await openControl(config.dataDir, (request) => steer(roles, request, status))
  if (control) stack.use(control)

  await progress.during('API, ingest and worker', () => roles.startInOrder(signal))
  isReady = true
  output.tell(`Upbeat is ready: ${url}${await describeSibling(sibling)}`)
  const reach = describeReach(config.host, door.port)
  if (reach) output.tell(reach)
  roles.byName.api.send({ type: 'issue-operator-link' })
  if (config.isSignUpOpen)
    stack.use(
      await startDemo({
        dataDir: config.dataDir,
        program: options.program,
        host: config.host,
        port: door.port,
        output,
        onComplete: link.repeat,
      }),
    )
  return takeOver(stack.move(), { url, output, roles, dataDir: config.dataDir })
}

/** Whoever started it stops it: from here on the parts live until then. */
function takeOver(
  parts: AsyncDisposableStack,
  running: { url: string; output: Output; roles: Roles; dataDir: string },
): Supervisor {
  let stopping: Promise<void> | null = null
  return {
    url: running.url,
    stop() {
      stopping ??= (async () => {
        running.output.tell('Upbeat is stopping: what has been begun is finished first.')
        await parts.disposeAsync()
        process.stdout.write(`Upbeat has stopped. Everything is kept in ${running.dataDir}\n`)
      })()
      return stopping
    },
    kill() {
      for (const role of running.roles.all) role.kill()
    },
  }
}

async function ensureDataDir(dataDir: string): Promise<void> {
  const exists = await stat(dataDir).then(
    () => true,
    () => false,
  )
  await mkdir(dataDir, { recursive: true })
  // Others may pass through (PostgreSQL's user must), not look around; an existing folder keeps what its owner chose.
  if (!exists) await chmod(dataDir, 0o711)
}

function start(config: Config, output: Output): Promise<Postgres> {
  return startPostgres({ dataDir: `${config.dataDir}/postgres`, log: output.log })
}

/** The watch looks at us from outside, by the same door as everyone; it lives on when we are killed. */
function startWatchBeside(config: Config, port: number, output: Output): Sibling | null {
  if (!config.sibling) return null
  const dataDir = join(config.dataDir, 'watch')
  return startSibling({
    program: config.sibling.program,
    args: ['serve', '--replace'],
    env: environmentWith({
      WATCH_DATA_DIR: dataDir,
      WATCH_PORT: String(config.sibling.port),
      WATCH_HOST: config.host,
      UPBEAT_URL: localUrlOf(config.host, port),
    }),
    logFile: join(dataDir, 'logs', 'watch.log'),
    log: output.log,
  })
}

/** How long a person waits for the watch's word once they could use Upbeat. */
const SIBLING_WORD_MS = 5_000

async function describeSibling(sibling: Sibling | null): Promise<string> {
  if (!sibling) return ''
  const word = await sibling.firstWord(SIBLING_WORD_MS)
  return 'url' in word ? ` (watch: ${word.url})` : ` (the watch is not ready: ${word.trouble})`
}

interface Roles {
  readonly all: readonly RoleProcess[]
  readonly byName: Readonly<Record<RoleName, RoleProcess>>
  /** What a person needs first; the worker follows when they can use it. */
  startInOrder(signal: AbortSignal): Promise<void>
}

async function createRoles(options: {
  config: Config
  program: string
  output: Output
  records: RoleRecords
  door: FrontDoor
  databaseUrl: string
  url: string
  watchUrl: string | null
  onMessage: (message: FromRole) => void
}): Promise<Roles> {
  const { config, output, records, door } = options
  const env = environmentWith({
    DATA_DIR: config.dataDir,
    DATABASE_URL: options.databaseUrl,
    PORT: String(door.port),
    ...(options.watchUrl !== null && { WATCH_URL: options.watchUrl }),
    INGEST_ADDRESS: config.ingestAddress ?? `http://127.0.0.1:${await findFreePort()}`,
  })
  const firstReady = Object.fromEntries(
    ROLE_NAMES.map((name) => [name, Promise.withResolvers<void>()]),
  ) as Record<RoleName, PromiseWithResolvers<void>>

  const lastError: Partial<Record<RoleName, string>> = {}
  const create = (role: RoleName): RoleProcess => {
    const made: RoleProcess = createRoleProcess({
      role,
      program: options.program,
      env,
      log: output.log,
      onOutput(line) {
        output.passOn(role, line)
        if (/^\w*Error\b.*:/.test(line)) lastError[role] = line
      },
      onSpawn: (pid) => void records.add(pid),
      onFailedStart(count) {
        if (count === FAILED_STARTS_TOLD)
          output.tell(
            `  … ${role} has failed to start ${count} times, and is tried again and again.` +
              ` Its last error: ${lastError[role] ?? 'not told; see the logs'}`,
          )
      },
      onReady() {
        firstReady[role].resolve()
        if (role === 'api') door.addTaker(made)
      },
      onGone: () => door.removeTaker(made),
      onReturned: (connection) => door.receive(connection),
      onMessage: options.onMessage,
    })
    return made
  }
  const byName: Record<RoleName, RoleProcess> = {
    ingest: create('ingest'),
    api: create('api'),
    worker: create('worker'),
  }
  return {
    byName,
    all: ROLE_NAMES.map((name) => byName[name]),
    async startInOrder(signal) {
      byName.ingest.start()
      byName.api.start()
      await Promise.race([Promise.all([firstReady.api.promise, firstReady.ingest.promise]), rejectOn(signal)])
      byName.worker.start()
    },
  }
}

/** The link by which the operator's account is made, for the person who started this. */
function createOperatorLink(output: Output, url: string) {
  let told: string | null = null
  return {
    hear(message: FromRole): void {
      if (message.type !== 'operator-link' || message.path === null) return
      told = `${url}${message.path}`
      output.tell(
        `Nobody operates this instance yet. This link makes the operator's account, once:\n  ${told}`,
      )
    },
    /** Once more, below what was told since: there it was overlooked. */
    repeat(): void {
      if (told) output.tell(`If you have not made the operator's account yet, this link does:\n  ${told}`)
    },
  }
}

async function stopAll(roles: Roles): Promise<void> {
  // The worker and the ingest hand their work back while the api still answers for what it has begun.
  await Promise.all(roles.all.map((role) => role.stop()))
}

async function steer(
  roles: Roles,
  request: ControlRequest,
  status: () => SupervisorStatus,
): Promise<SupervisorStatus> {
  if (request.command === 'hold') await roles.byName[request.role].hold()
  if (request.command === 'release') roles.byName[request.role].release()
  return status()
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** A role that fails this often in a row will hardly heal by itself: the person hears of it. */
const FAILED_STARTS_TOLD = 3

/** How long a step may take before the person hears that it goes on. */
const SILENCE_MS = 4_000

function showProgress(output: Output) {
  return {
    /** Tells what takes long, and how long it took. */
    async during<T>(what: string, work: () => Promise<T>): Promise<T> {
      const startedMs = performance.now()
      const seconds = () => ((performance.now() - startedMs) / 1_000).toFixed(1)
      const reminder = setInterval(() => output.tell(`  … ${what}: ${seconds()} s so far`), SILENCE_MS)
      try {
        const result = await work()
        output.tell(`  ✓ ${what} (${seconds()} s)`)
        return result
      } finally {
        clearInterval(reminder)
      }
    },
  }
}
