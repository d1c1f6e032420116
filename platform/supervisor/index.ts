/**
 * Runs one machine's Upbeat: owns the public socket, PostgreSQL and the roles, starts them in order, starts again what
 * dies, and stops them in order.
 */
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../kit/clock.ts'
import { environmentWith, type Config } from '../app/config.ts'
import { localUrlOf } from './addresses.ts'
import { openSlotStore, programOf, shelveAssets, type SlotStore } from '../slots/index.ts'
import { openControl, type ControlRequest, type DeskRequest, type SupervisorStatus } from './control.ts'
import { takeDataDir } from './data-dir.ts'
import { decideOnDemo } from './demo.ts'
import { superviseDatabase, type SupervisedDatabase } from './database.ts'
import { openDesk, type Desk } from './desk/desk.ts'
import { openMetricsPort } from './desk/metrics-port.ts'
import { openFrontDoor, type FrontDoor } from './front-door.ts'
import { createKeeper, type Keepers } from './keeper.ts'
import { openKernelBlocks } from './kernel-blocks.ts'
import { endLeftovers } from './leftovers.ts'
import { openOutput, type Output } from './output.ts'
import { showProgress } from './progress.ts'
import { ROLE_NAMES, type FromRole, type Question, type RoleName } from './protocol.ts'
import { tryOutDocument } from './rollout/document-trial.ts'
import { openDocumentReleases, type DocumentReleases } from './rollout/documents.ts'
import { openReleases, sharedBy, type Releases } from './rollout/releases.ts'
import { createTurns, type Turns } from './rollout/turns.ts'
import { createRoles, rejectOn, type Roles } from './roles.ts'
import { beginToServe } from './serving.ts'
import { startSibling, type Sibling } from './sibling.ts'

export { AlreadyRunningError } from './lock.ts'
export { DataDirError, explainDataDir } from './data-dir.ts'
export { localUrlOf } from './addresses.ts'
export { askDesk, askSupervisor } from './control.ts'
export type { ControlRequest, SupervisorStatus } from './control.ts'
export { PortUnavailableError } from './front-door.ts'
export { DRAIN_TIMEOUT_MS } from './protocol.ts'
export type { FromRole, FromSupervisor, RoleName } from './protocol.ts'
export { bringSchemaUpToDate } from './schema.ts'

export interface SupervisorOptions {
  readonly config: Config
  /** The program that runs a role, given its name as argument. */
  readonly program: string
  /** The program of the command line, for what takes long: verifying, backing up. */
  readonly commandLine: string
  /** Whether standard error is read by a person rather than kept by a service manager. */
  readonly isForPerson: boolean
}

export interface Supervisor {
  /** The public address. */
  readonly url: string
  /** Drains the roles, then stops PostgreSQL. Idempotent. */
  stop(): Promise<void>
  /** Ends the roles by force; a PostgreSQL of our own is stopped by `stop`, or found at the next start. For the impatient. */
  kill(): void
}

/**
 * Starts everything; answers when the roles serve, with the database or without: it comes up beside them, and that a
 * person can use everything is told then. When it fails, it has stopped what it had started.
 *
 * @param signal aborts the start
 * @throws {AlreadyRunningError} {DataDirError} {PortUnavailableError} {FolderBlockedError} {PostgresStartError}
 */
export async function startSupervisor(
  options: SupervisorOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Supervisor> {
  const { config } = options
  await using stack = new AsyncDisposableStack()
  stack.use(await takeDataDir(config.dataDir))
  await decideOnDemo(config.dataDir, config.isDemoWanted)
  const output = stack.use(
    openOutput({ dataDir: config.dataDir, level: config.logLevel, isForPerson: options.isForPerson }),
  )
  const keeper = createKeeper(config)
  const door = stack.use(
    await openFrontDoor({ ...config, watchUrl: watchUrlOf(config), admits: keeper.admits }),
  )
  if (config.abuse.isInKernel) keeper.use(stack.use(await openKernelBlocks(door.port, output.log)))
  const url = config.publicUrl ?? localUrlOf(config.host, door.port)
  const progress = showProgress(output)
  output.tell(
    `Upbeat keeps its data in ${config.dataDir}${output.logFile ? `, its logs in ${output.logFile}` : ''}`,
  )

  const parts: Parts = {
    ...{ door, keeper, database: null, roles: null, releases: null, documents: null },
    isReady: false,
  }
  const desk = await openDeskOf(stack, options, parts, output)

  const sibling = startWatchBeside(config, door.port, output)
  if (sibling) stack.defer(() => sibling.stop())

  const records = await endLeftovers(config.dataDir)
  const slots = await readSlots(options, output)
  const link = createOperatorLink(output, url)
  const roles = await createRoles({
    ...options,
    output,
    records,
    door,
    standingOf: keeper.standingOf,
    watchUrl: watchUrlOf(config),
    ...earsOf(desk, link, parts),
    program: slots.current ? programOf(slots.current) : options.program,
  })
  const onMoved = (databaseUrl: string) => void roles.moveTo(databaseUrl)
  const database = stack.use(superviseDatabase({ config, output, progress, onMoved }))
  // Stopped before the database on which they finish their work.
  stack.use(roles)
  const turns = createTurns()
  const releases = stack.use(
    await openReleases({
      ...{ config, door, roles, output, store: slots, turns, ownProgram: options.program },
      databaseUrl: () => database.url,
      onBack: ({ detail, changedAt }) =>
        desk.noteTakenBack({ what: 'code', at: changedAt, reason: detail.slice(0, 500), wasUsed: true }),
    }),
  )
  const documents = stack.use(await openDocumentsOf({ config, roles, output, door, releases, desk, turns }))
  Object.assign(parts, { database, roles, releases, documents })

  const databaseUrl = await Promise.race([database.address, rejectOn(signal)])
  await progress.during('API, ingest and worker', () => roles.startInOrder(databaseUrl, signal))
  stack.use(
    beginToServe({
      config,
      program: options.program,
      url,
      port: door.port,
      output,
      database,
      roles,
      describeWatch: () => describeSibling(sibling),
      onReady: () => (parts.isReady = true),
      onDemoComplete: link.repeat,
    }),
  )
  return takeOver(stack.move(), { url, output, roles, dataDir: config.dataDir })
}

interface DocumentParts {
  readonly config: Config
  readonly roles: Roles
  readonly output: Output
  readonly door: FrontDoor
  readonly releases: Releases
  readonly desk: Desk
  readonly turns: Turns
}

/** Documents are tried out as code is, by processes of the code that runs. */
function openDocumentsOf({
  config,
  roles,
  output,
  door,
  releases,
  desk,
  turns,
}: DocumentParts): Promise<DocumentReleases> {
  return openDocumentReleases({
    ...{ config, roles, output, turns },
    tryOut(trial) {
      const { golden } = releases
      const isSharedAddress = sharedBy(config.trustedProxies)
      return tryOutDocument({ roles, door, golden, isSharedAddress, log: output.log }, trial)
    },
    onBack: ({ kind, phase, detail, changedAt }) =>
      desk.noteTakenBack({
        what: kind,
        at: changedAt,
        reason: detail.slice(0, 500),
        wasUsed: phase === 'back',
      }),
  })
}

/** The release in force, with what a person should know of it. */
async function readSlots({ config, program }: SupervisorOptions, output: Output): Promise<SlotStore> {
  const root = dirname(dirname(program))
  const { store, notice } = await openSlotStore(config.dataDir, root)
  // A disk that is full is no reason not to serve what lies in the checkout.
  void shelveAssets(config.dataDir, join(root, 'web', 'build'), systemClock.now()).catch((error: unknown) =>
    output.log.warn({ err: error }, 'release.assets-not-kept'),
  )
  if (notice !== null) output.tell(`  … ${notice}`)
  if (store.current) output.tell(`  The release ${store.current.label} runs.`)
  return store
}

/** The operator's desk with its ways in: the socket in the data folder, and a port for metrics. */
async function openDeskOf(
  stack: AsyncDisposableStack,
  { config, commandLine }: SupervisorOptions,
  parts: Parts,
  output: Output,
): Promise<Desk> {
  const desk = stack.use(
    await openDesk({
      dataDir: config.dataDir,
      clock: systemClock,
      log: output.log,
      commandLine,
      roles: () => parts.roles?.all ?? [],
      hearers: () => parts.roles?.hearers ?? [],
      releases: () => parts.releases,
      documents: () => parts.documents,
      waitingConnections: () => parts.door.waitingCount,
      databaseUrl: () => parts.database?.url ?? null,
      keeper: parts.keeper,
      hasDoubt: !config.protectionsOff.has('doubt'),
      isBarring: !config.protectionsOff.has('poison-bars'),
    }),
  )
  const control = await openControl(config.dataDir, (request) => answerControl(desk, parts, request))
  if (control) stack.use(control)
  if (config.metricsPort !== null) stack.use(await openMetricsPort(config.metricsPort, desk.metrics))
  return desk
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

const watchUrlOf = ({ watchUrl, host, sibling }: Config): string | null =>
  watchUrl ?? (sibling?.port ? localUrlOf(host, sibling.port) : null)

/** How long a person waits for the watch's word once they could use Upbeat. */
const SIBLING_WORD_MS = 5_000
const HOLD_POLL_MS = 25

async function describeSibling(sibling: Sibling | null): Promise<string> {
  if (!sibling) return ''
  const word = await sibling.firstWord(SIBLING_WORD_MS)
  return 'url' in word ? ` (watch: ${word.url})` : ` (the watch is not ready: ${word.trouble})`
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

/** What there is so far: the operator's desk stands before anything that could hang is begun. */
interface Parts {
  readonly door: FrontDoor
  readonly keeper: Keepers
  database: SupervisedDatabase | null
  roles: Roles | null
  releases: Releases | null
  documents: DocumentReleases | null
  isReady: boolean
}

const describeParts = ({ door, database, roles, isReady }: Parts): SupervisorStatus => ({
  pid: process.pid,
  port: door.port,
  isReady,
  waitingConnections: door.waitingCount,
  postgres: database?.isEmbedded
    ? { pid: database.postgres?.pid ?? null, isAdopted: database.postgres?.isAdopted ?? false }
    : null,
  roles: ROLE_NAMES.map((role) => {
    const { state, pid, restartCount } = roles?.byName[role] ?? NOT_MADE
    return { role, state, pid, restartCount }
  }),
})

const NOT_MADE = { state: 'stopped', pid: null, restartCount: 0 } as const

async function answerControl(
  desk: Desk,
  parts: Parts,
  request: ControlRequest | DeskRequest,
): Promise<unknown> {
  switch (request.command) {
    case 'state':
    case 'metrics':
    case 'releases':
      return desk[request.command]()
    case 'history':
      return desk.history(request.afterS)
    case 'audit':
      return desk.audit(request.limit)
    case 'release-state':
      return desk.release()
    case 'order':
      return desk.give(request.order, { kind: 'command-line', user: request.user })
    case 'status':
      return describeParts(parts)
    case 'hold':
    case 'release': {
      if (!parts.roles) throw new Error('Upbeat is just starting: its roles are not there yet.')
      const role = parts.roles.byName[request.role]
      // An order like any other: it is written down. Who may write to the socket has this process's own rights.
      await desk.give(
        { type: `${request.command}-role`, role: request.role },
        { kind: 'command-line', user: `uid ${process.getuid?.() ?? 'unknown'}` },
      )
      while (request.command === 'hold' && role.state === 'draining') await sleep(HOLD_POLL_MS)
      return describeParts(parts)
    }
  }
}

/** What the roles say is for the desk, but for the operator's link. */
const earsOf = (desk: Desk, link: { hear(message: FromRole): void }, parts: Parts) => ({
  onMessage(role: RoleName, message: FromRole): void {
    link.hear(message)
    if (message.type === 'penalties') parts.keeper.penalise(message.penalties)
    if (message.type === 'standings') parts.keeper.noteStandings(message.standings)
    if (message.type !== 'vitals') return
    desk.hear(role, message.report)
    parts.releases?.golden.hear(message.report.golden)
  },
  onGone: desk.forget,
  onQuestion: (question: Question) => answerQuestion(desk, question),
  greeting: desk.greeting,
})

function answerQuestion(desk: Desk, question: Question): Promise<unknown> {
  switch (question.about) {
    case 'state':
    case 'metrics':
    case 'releases':
      return desk[question.about]()
    case 'history':
      return Promise.resolve(desk.history(question.afterS))
    case 'audit':
      return desk.audit(question.limit)
    case 'order':
      return desk.give(question.order, question.who)
  }
}
