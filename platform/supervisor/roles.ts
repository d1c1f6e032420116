/** The roles of one machine: wired to the door, to the logs and to the person, started in their order, stopped together. */
import { findFreePort } from '../../kit/network/free-port.ts'
import type { Standing } from '../app/abuse/standings.ts'
import { environmentWith, type Config } from '../app/config.ts'
import type { FrontDoor } from './front-door.ts'
import type { RoleRecords } from './leftovers.ts'
import type { Output } from './output.ts'
import { ROLE_NAMES, type FromRole, type FromSupervisor, type Question, type RoleName } from './protocol.ts'
import { createRoleProcess, type RoleProcess } from './role-process.ts'

export interface Roles extends AsyncDisposable {
  readonly all: readonly RoleProcess[]
  readonly byName: Readonly<Record<RoleName, RoleProcess>>
  /** What a person needs first; the worker follows when they are there. Whether the database is, is no matter. */
  startInOrder(databaseUrl: string, signal: AbortSignal): Promise<void>
  /** Settles when what a person needs first holds nothing back for want of the database. */
  untilComplete(signal: AbortSignal): Promise<void>
  /** Starts those that run again, with another address of the database. */
  moveTo(databaseUrl: string): Promise<void>
  /** What each further process of the role runs; those that run go on until they are replaced. */
  runFrom(role: RoleName, program: string): void
  /** What further processes of the role run. */
  programOf(role: RoleName): string
  /** A role has ended without having been ready. @returns what ends the hearing */
  onFailedStart(hear: (role: RoleName, count: number) => void): () => void
  /** Makes one more process of the api, of any program: with the same settings, and known to nobody yet. Start and stop it yourself. */
  makeApiBeside(beside: ApiBeside): RoleProcess
  /** All that are to hear of orders: with those beside. */
  readonly hearers: readonly RoleProcess[]
}

export interface ApiBeside {
  readonly program: string
  /** Besides the settings that all have. */
  readonly settings?: Readonly<Record<string, string>>
  readonly onReady: () => void
  /** It is dead, or about to end. */
  readonly onGone: () => void
  readonly onMessage: (message: FromRole) => void
}

export interface RolesOptions {
  readonly config: Config
  /** What they run, until `runFrom` says otherwise. */
  readonly program: string
  readonly output: Output
  readonly records: RoleRecords
  readonly door: FrontDoor
  /** Who comes from there. */
  readonly standingOf: (address: string | undefined) => Standing
  readonly watchUrl: string | null
  readonly onMessage: (role: RoleName, message: FromRole) => void
  /** A process of the role is gone. */
  readonly onGone: (role: RoleName) => void
  readonly onQuestion: (question: Question) => Promise<unknown>
  /** What each new process is told first. */
  readonly greeting: () => readonly FromSupervisor[]
}

/** A role that fails this often in a row will hardly heal by itself: the person hears of it. */
const FAILED_STARTS_TOLD = 3

/** Prepares them. Disposal drains them. */
export async function createRoles(options: RolesOptions): Promise<Roles> {
  const { output, records, door, standingOf } = options
  const env = await environmentOf(options)
  const trouble = createStartTrouble(output)
  const firstReady = mapRoles(() => Promise.withResolvers<void>())
  const completeness = createCompleteness()
  const programs = mapRoles(() => options.program)
  const beside = new Set<RoleProcess>()
  const failureHearers = new Set<(role: RoleName, count: number) => void>()

  const byName = mapRoles((role) => {
    const made: RoleProcess = createRoleProcess({
      role,
      // Looked at with each start.
      get program() {
        return programs[role]
      },
      env,
      isRestarted: !options.config.protectionsOff.has('restarts'),
      log: output.log,
      onOutput(line) {
        output.passOn(role, line)
        trouble.read(role, line)
      },
      onSpawn: (pid) => void records.add(pid),
      onFailedStart(count) {
        trouble.noteFailure(role, count)
        for (const hear of failureHearers) hear(role, count)
      },
      onReady() {
        firstReady[role].resolve()
        if (role === 'api') door.addTaker(made)
      },
      onGone() {
        door.removeTaker(made)
        completeness.note(role, false)
        options.onGone(role)
      },
      onReturned: (connection) => door.receive(connection),
      standingOf,
      onMessage(message) {
        if (message.type === 'complete') completeness.note(role, message.isComplete)
        options.onMessage(role, message)
      },
      onQuestion: options.onQuestion,
      greeting: options.greeting,
      // The others have a port or work of their own that two can't share.
      canOverlap: role === 'api',
    })
    return made
  })
  const all = ROLE_NAMES.map((name) => byName[name])
  return {
    byName,
    all,
    runFrom: (role, program) => void (programs[role] = program),
    programOf: (role) => programs[role],
    onFailedStart(hear) {
      failureHearers.add(hear)
      return () => failureHearers.delete(hear)
    },
    makeApiBeside: (wanted) => makeApiBeside(options, env, wanted, beside),
    get hearers() {
      return [...all, ...beside]
    },
    untilComplete: (signal) => Promise.race([completeness.reached, rejectOn(signal)]),
    async moveTo(databaseUrl) {
      env['DATABASE_URL'] = databaseUrl
      for (const role of all) {
        if (role.state === 'held' || role.state === 'stopped') continue
        await role.hold()
        role.release()
      }
    },
    async startInOrder(databaseUrl, signal) {
      env['DATABASE_URL'] = databaseUrl
      byName.ingest.start()
      byName.api.start()
      await Promise.race([Promise.all([firstReady.api.promise, firstReady.ingest.promise]), rejectOn(signal)])
      byName.worker.start()
    },
    async [Symbol.asyncDispose]() {
      // The worker and the ingest hand their work back while the api still answers for what it has begun.
      await Promise.all([...all, ...beside].map((role) => role.stop()))
    },
  }
}

/** What it logs is told as the api's; that it dies is for whoever asked for it. */
function makeApiBeside(
  { output, records, door, standingOf, onQuestion, greeting }: RolesOptions,
  env: NodeJS.ProcessEnv,
  { program, settings = {}, onReady, onGone, onMessage }: ApiBeside,
  beside: Set<RoleProcess>,
): RoleProcess {
  const made: RoleProcess = createRoleProcess({
    role: 'api',
    program,
    env: { ...env, ...settings },
    isRestarted: false,
    log: output.log,
    onOutput: (line) => output.passOn('api', line),
    onSpawn: (pid) => void records.add(pid),
    onReturned: (connection) => door.receive(connection),
    standingOf,
    onReady,
    onGone() {
      door.removeTaker(made)
      beside.delete(made)
      onGone()
    },
    onFailedStart: onGone,
    onMessage,
    onQuestion,
    greeting,
  })
  beside.add(made)
  return made
}

const mapRoles = <T>(make: (role: RoleName) => T): Record<RoleName, T> => ({
  ingest: make('ingest'),
  api: make('api'),
  worker: make('worker'),
})

/** Without whom nobody can use it. */
const NEEDED: readonly RoleName[] = ['api', 'ingest']

function createCompleteness() {
  const complete = new Set<RoleName>()
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  return {
    reached,
    note(role: RoleName, isComplete: boolean): void {
      if (isComplete) complete.add(role)
      else complete.delete(role)
      if (NEEDED.every((needed) => complete.has(needed))) resolve()
    },
  }
}

const environmentOf = async ({ config, door, watchUrl }: RolesOptions) =>
  environmentWith({
    DATA_DIR: config.dataDir,
    PORT: String(door.port),
    ...(watchUrl !== null && { WATCH_URL: watchUrl }),
    INGEST_ADDRESS: config.ingestAddress ?? `http://127.0.0.1:${await findFreePort()}`,
  })

/** Has the person told, with the reason that a role gave, when it fails to start again and again. */
function createStartTrouble(output: Output) {
  const lastError: Partial<Record<RoleName, string>> = {}
  return {
    read(role: RoleName, line: string): void {
      if (/^\w*Error\b.*:/.test(line)) lastError[role] = line
    },
    noteFailure(role: RoleName, count: number): void {
      if (count === FAILED_STARTS_TOLD)
        output.tell(
          `  … ${role} has failed to start ${count} times, and is tried again and again.` +
            ` Its last error: ${lastError[role] ?? 'not told; see the logs'}`,
        )
    },
  }
}

/** Rejects when the signal is aborted. */
export function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
