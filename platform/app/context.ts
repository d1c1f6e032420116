/** The composition root: everything that a verb may need, made once per process and passed as the first argument. */
import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Door } from '../../kit/admission/index.ts'
import { systemClock, wallClock, type Clock } from '../../kit/clock.ts'
import { createLog, type Log } from '../../kit/log.ts'
import { openDiskBlobs, withHeldDeletions, type Blobs } from '../infra/blobs/index.ts'
import {
  listMigrations,
  openDatabase,
  openGuard,
  openIdleGuard,
  openListener,
  type Database,
  type DatabaseGuard,
  type Db,
  type Listener,
} from '../infra/db/index.ts'
import { openJobs, type Jobs } from '../infra/jobs/index.ts'
import { createBlocks, type Blocks } from './abuse/blocks.ts'
import { createBars, type Bars } from './poison/index.ts'
import { createBlobsDoor, createDatabaseDoor, createHashingDoor } from './admission.ts'
import { createFlags, openDocuments, type Documents, type Flags } from '../releases/index.ts'
import type { Config } from './config.ts'
import { createEvents, type Events } from './events.ts'
import { openEntryJournal, type EntryJournal } from './journal/index.ts'
import { createPeers, type Peers } from './peers.ts'
import { loadSecrets, vaultKeysOf, type Secrets } from './secrets.ts'
import { openStandby, type Standby } from './standby/index.ts'
import { openSteward, type Steward } from './steward/index.ts'
import type { SupervisorLink } from './supervisor-link.ts'
import { createVitals, type Vitals } from './vitals.ts'

export interface Ctx {
  readonly config: Config
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Log
  readonly db: Db
  /** The pool under `db`, for prepared statements on hot paths. */
  readonly pool: Database['pool']
  /** The door before the pool; null where the configuration leaves it open. */
  readonly databaseDoor: Door | null
  /** Before password hashing. */
  readonly hashingDoor: Door
  /** Before what is read from the blob store for people. */
  readonly blobsDoor: Door
  /** Whether PostgreSQL is there, with the schema that this version needs. While it is away every query fails at once. */
  readonly databaseGuard: DatabaseGuard
  /** What works at this moment, and how. */
  readonly steward: Steward
  /** Where what people do is kept while the database is away; null: in a process that keeps nothing. */
  readonly journal: EntryJournal | null
  /** The other roles of this machine. */
  readonly peers: Peers
  /** Null: this process runs on its own. */
  readonly supervisor: SupervisorLink | null
  /** Networks that operators keep out. */
  readonly blocks: Blocks
  /** Shapes of requests that processes died of. */
  readonly bars: Bars
  /** How this process fares. */
  readonly vitals: Vitals
  readonly listener: Listener
  readonly jobs: Jobs
  readonly blobs: Blobs
  readonly events: Events
  /** What may change while this runs: flags, models, limits. */
  readonly documents: Documents
  readonly flags: Flags
  /** What can be served without the database. */
  readonly standby: Standby
  /** A UUIDv7: ids sort by the time they were made. */
  newId(): string
  randomBytes(count: number): Buffer
}

export interface OpenContext extends AsyncDisposable {
  readonly ctx: Ctx
}

export interface ContextOptions {
  readonly config: Config
  readonly role: string
  /** Whether this process runs jobs. @default false */
  readonly isWorker?: boolean
  /** Whether this process keeps what people do while the database is away. @default false */
  readonly isKeeping?: boolean
  /** @default null: none */
  readonly supervisor?: SupervisorLink | null
  /** @default the system's clock */
  readonly clock?: Clock
}

/**
 * Opens what a role stands on, whether the database is there or not. Disposal closes it in the opposite order.
 *
 * @throws when DATABASE_URL is not set: the supervisor passes the embedded server's.
 */
export async function openContext(options: ContextOptions): Promise<OpenContext> {
  const { config, role, clock = config.protectionsOff.has('monotonic') ? wallClock : systemClock } = options
  const url = config.database.url
  if (!url)
    throw new Error('DATABASE_URL is not set. Start with ./up, which brings its own PostgreSQL, or set it.')
  const log = createLog({ level: config.logLevel, base: { role } })
  const databaseDoor = config.isAdmissionOn ? createDatabaseDoor(config.database.poolSize) : null

  await using stack = new AsyncDisposableStack()
  const steward = stack.use(openSteward({ config, clock, log }))
  const newId = () => uuidv7({ msecs: clock.now().getTime() })
  const journal = options.isKeeping ? await openJournalOf(config, { clock, log, newId }) : null
  if (journal) stack.use(journal)
  const peers = createPeers()
  for (const name of ['ingest', 'worker'] as const) steward.addProbe(name, () => peers.isUp(name))
  const vitals = createVitals()
  const [hashingDoor, blobsDoor] = [createHashingDoor(), createBlobsDoor()]
  for (const door of [databaseDoor, hashingDoor, blobsDoor]) if (door) vitals.addDoor(door)
  const guard = stack.use(
    config.protectionsOff.has('guard') ? openIdleGuard() : await watchDatabase(url, log),
  )
  steward.addProbe('database', () => guard.isUp)
  guard.onChange(() => vitals.noteDatabase())
  const { database, listener, jobs } = await openConnections(stack, options, {
    url,
    log,
    guard,
    databaseDoor,
  })
  const standby = stack.use(
    await openStandby({
      ...{ dataDir: config.dataDir, listener, clock, log },
      isOn: !config.protectionsOff.has('standby'),
    }),
  )
  const secrets = await loadSecrets(config.paths.secrets)
  const documents = await openDocuments({
    ...{ dataDir: config.dataDir, log, candidate: config.documentCandidate },
    secrets: vaultKeysOf(secrets),
  })
  documents.use('configuration', (content) => steward.setThresholds(content?.levels ?? {}))
  const ctx: Ctx = {
    ...{ config, clock, log, databaseDoor, hashingDoor, blobsDoor, steward, journal, peers, vitals },
    ...{ listener, jobs, standby, newId, randomBytes },
    ...{ secrets, documents, flags: await createFlags(documents) },
    db: database.db,
    pool: database.pool,
    databaseGuard: guard,
    blocks: createBlocks(),
    bars: createBars(),
    supervisor: options.supervisor ?? null,
    blobs: withHeldDeletions(await openDiskBlobs(config.paths.blobs), database.db),
    events: createEvents(clock),
  }
  const owned = stack.move()
  return { ctx, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface DatabaseSide {
  readonly url: string
  readonly log: Log
  readonly guard: DatabaseGuard
  readonly databaseDoor: Door | null
}

/** The pool, the one connection that listens, and those of the jobs: none of them needs the database to be there. */
async function openConnections(
  stack: AsyncDisposableStack,
  { config, role, isWorker = false }: ContextOptions,
  { url, log, guard, databaseDoor }: DatabaseSide,
): Promise<{ database: Database; listener: Listener; jobs: Jobs }> {
  // Each connection and each queue says the same once more while the database is away, which was told.
  const onError = (error: Error) => log[guard.isUp ? 'warn' : 'debug']({ err: error }, 'database connection')
  const { poolSize } = config.database
  const applicationName = `upbeat-${role}`
  const database = stack.use(
    openDatabase({ url, poolSize, applicationName, onError, door: databaseDoor, guard }),
  )
  const listener = stack.use(openListener({ url, onError, guard }))
  const jobs = stack.use(await openJobs({ url, isWorker, onError, guard }))
  return { database, listener, jobs }
}

async function watchDatabase(url: string, log: Log): Promise<DatabaseGuard> {
  const guard = openGuard({
    url,
    migrations: await listMigrations(),
    onError: (error) => log.error({ err: error }, 'database.guard'),
  })
  guard.onChange((isUp) => {
    if (isUp) log.info('database.back')
    else log.warn({ absence: guard.absence }, 'database.away')
  })
  await guard.settled()
  return guard
}

/** Null where a drill has switched it off. */
function openJournalOf(
  config: Config,
  parts: { readonly clock: Clock; readonly log: Log; newId(): string },
): Promise<EntryJournal> | null {
  if (config.protectionsOff.has('journal')) return null
  const { journal: root, journalAside: asideFolder } = config.paths
  return openEntryJournal({ root, asideFolder, ...parts })
}
