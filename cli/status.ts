/**
 * `upbeat status`: what can be said within a second whatever is dead. Each part is asked for by itself, side by side, with
 * a limit of its own; what does not answer is unknown.
 */
import { readdir, readFile, readlink, realpath, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readBackupRecords, type BackupRecords } from '../platform/app/backup-records.ts'
import type { Config } from '../platform/app/config.ts'
import {
  askDesk,
  askSupervisor,
  NotRunningError,
  type SupervisorStatus,
} from '../platform/supervisor/control.ts'
import { pingDatabase } from './ping-database.ts'
import type { Arguments } from './arguments.ts'
import { sizeInWords } from './progress.ts'
import { settingsOf } from './settings.ts'
import { instantInWords, timesInWords } from './times.ts'

/** With the program's own start, well within a second. */
const LIMIT_MS = 500
const NOT_RUNNING_EXIT_CODE = 3

export interface InstanceStatus {
  /** Null: no word of the supervisor. */
  readonly supervisor: SupervisorStatus | null
  readonly isRunning: boolean | null
  /** Whether a supervisor has the data folder and is not far enough yet to be asked. */
  readonly isStarting: boolean
  /** Null: it did not say within the time. */
  readonly isDatabaseAnswering: boolean | null
  /** How far the instance has degraded; null: unknown. */
  readonly level: number | null
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null
  readonly backups: BackupRecords
}

/** The exit code is 0 when everything is ready, 1 when something is not, 3 when Upbeat does not run. */
export async function showStatus(given: Arguments): Promise<number> {
  const config = settingsOf(given)
  const status = await readStatus(config)
  if (given.isJson) console.log(JSON.stringify(status, null, 2))
  else for (const line of describe(config, status)) console.log(line)
  if (status.isRunning !== true) return NOT_RUNNING_EXIT_CODE
  const { supervisor } = status
  const isReady = supervisor?.isReady === true && supervisor.roles.every(({ state }) => state === 'ready')
  return isReady && status.isDatabaseAnswering === true ? 0 : 1
}

async function readStatus(config: Config): Promise<InstanceStatus> {
  const [supervisor, service, isDatabaseAnswering, disk, backups] = await Promise.all([
    askSupervisor(config.dataDir, { command: 'status' }, { timeoutMs: LIMIT_MS }).catch((error: unknown) =>
      error instanceof NotRunningError ? ('not-running' as const) : null,
    ),
    within(askDesk(config.dataDir, { command: 'state' })),
    pingDatabase(config, LIMIT_MS),
    within(
      statfs(config.dataDir).then(({ bavail, bsize, blocks }) => ({
        freeBytes: bavail * bsize,
        totalBytes: blocks * bsize,
      })),
    ),
    within(readBackupRecords(config.dataDir)),
  ])
  return {
    supervisor: supervisor === 'not-running' ? null : supervisor,
    isRunning: supervisor === 'not-running' ? false : supervisor ? true : null,
    isStarting: supervisor === 'not-running' && (await isTaken(config.dataDir)),
    isDatabaseAnswering,
    level: service?.service?.level ?? null,
    disk,
    backups: backups ?? {
      lastBackup: null,
      lastBackupFailure: null,
      lastPush: null,
      lastPushFailure: null,
      lastProof: null,
      lastProofFailure: null,
    },
  }
}

/** Whether a living supervisor, or a command that stands in for it, holds the data folder. Takes nothing to find out. */
async function isTaken(dataDir: string): Promise<boolean> {
  const runDir = join(dataDir, 'run')
  try {
    const pid = Number(await readFile(join(runDir, 'supervisor.pid'), 'utf8'))
    const lock = await realpath(join(runDir, 'supervisor.lock'))
    const opened = (await readdir(`/proc/${pid}/fd`)).map((fd) =>
      readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''),
    )
    return (await Promise.all(opened)).includes(lock)
  } catch {
    return false
  }
}

const within = <T>(asked: Promise<T>): Promise<T | null> =>
  Promise.race([asked.catch(() => null), sleep(LIMIT_MS, null, { ref: false })])

function* describe(config: Config, { supervisor, isRunning, ...status }: InstanceStatus): Generator<string> {
  if (isRunning === false)
    yield `Upbeat does not run on ${config.dataDir}. Start it: ./up --data ${config.dataDir}`
  else if (!supervisor) yield `The supervisor of ${config.dataDir} is silent: stopped, or out of breath.`
  else
    yield `Upbeat on ${config.dataDir}, port ${supervisor.port}, process ${supervisor.pid}: ${supervisor.isReady ? 'ready' : 'starting'}`
  yield `  level       ${status.level === null ? 'unknown' : `L${status.level}`}`
  for (const { role, state, pid, restartCount } of supervisor?.roles ?? [])
    yield `  ${role.padEnd(11)} ${state}${pid === null ? '' : `, process ${pid}`}${restartCount > 0 ? `, restarted ${restartCount} times` : ''}`
  if (supervisor && supervisor.waitingConnections > 0)
    yield `  waiting     ${supervisor.waitingConnections} connections`
  yield `  database    ${describeDatabase(supervisor, status.isDatabaseAnswering)}`
  yield `  disk        ${status.disk ? `${sizeInWords(status.disk.freeBytes)} of ${sizeInWords(status.disk.totalBytes)} free` : 'unknown'}`
  yield* describeBackups(status.backups)
}

function describeDatabase(supervisor: SupervisorStatus | null, isAnswering: boolean | null): string {
  const answer = isAnswering === null ? 'silent' : isAnswering ? 'answers' : 'down'
  const pid = supervisor?.postgres?.pid
  return pid === undefined || pid === null ? answer : `${answer}, process ${pid}`
}

function* describeBackups({
  lastBackup,
  lastBackupFailure,
  lastPush,
  lastPushFailure,
  lastProof,
  lastProofFailure,
}: BackupRecords): Generator<string> {
  const now = new Date()
  const failed = ({ at, detail }: { at: string; detail: string }) =>
    `failed at ${instantInWords(at, now)}: ${timesInWords(detail, now)}`
  yield `  backup      ${lastBackup ? `shows ${instantInWords(lastBackup.snapshotAt, now)}, ${lastBackup.folder}` : 'none is known'}`
  if (lastBackupFailure) yield `              ${failed(lastBackupFailure)}`
  if (lastPush) yield `              elsewhere: ${lastPush.folder}`
  if (lastPushFailure) yield `              elsewhere ${failed(lastPushFailure)}`
  yield `  restore     ${lastProof ? `last proven at ${instantInWords(lastProof.at, now)}` : 'never proven'}`
  if (lastProofFailure) yield `              ${failed(lastProofFailure)}`
}
