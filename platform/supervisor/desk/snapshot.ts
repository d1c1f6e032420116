/** Everything that an operator is shown, gathered without the database: what can't be said at once is unknown. */
import { readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Dependency,
  DrillResults,
  type JournalVitals,
  type OperationsState,
  type RoleName,
} from '../../../contract/operations.ts'
import { readBackupRecords, type BackupRecords } from '../../app/backup-records.ts'
import type { RoleReport } from '../../app/vitals.ts'
import { ROLE_NAMES } from '../protocol.ts'
import type { Board } from './board.ts'
import type { Kept } from './order-book.ts'

/** A disk that does not answer must not keep the operator waiting. */
const READ_LIMIT_MS = 300

export interface SnapshotInput {
  readonly dataDir: string
  readonly board: Board
  readonly inForce: Kept
  readonly waitingConnections: number | null
}

/** Takes under half a second, whatever the disk does. */
export async function takeSnapshot({
  dataDir,
  board,
  inForce,
  waitingConnections,
}: SnapshotInput): Promise<OperationsState> {
  const [disk, backups, drills] = await Promise.all([
    within(statfs(dataDir)),
    within(readBackupRecords(dataDir)),
    within(readDrills(dataDir)),
  ])
  const reports = ROLE_NAMES.map((role) => [role, board.fresh(role)] as const)
  // The api serves people; where it is silent, another one's word is better than none.
  const speaking = board.fresh('api') ?? board.fresh('ingest') ?? board.fresh('worker')
  const jobs = board.fresh('worker')?.jobs ?? null
  const { maintenanceLevel: _, ...orders } = inForce
  return {
    at: new Date().toISOString(),
    service: speaking?.service ?? null,
    causes: [...(speaking?.causes ?? [])],
    restoration: speaking?.restoration ?? null,
    roles: board.vitals(),
    waitingConnections,
    dependencies: dependenciesOf(reports),
    database:
      (speaking && reports.map(([, it]) => it?.database).find((it) => it?.isUp === false)) ??
      speaking?.database ??
      null,
    journal: addJournals(reports.map(([, report]) => report?.journal ?? null)),
    disk: {
      freeBytes: disk && disk.bavail * disk.bsize,
      totalBytes: disk && disk.blocks * disk.bsize,
    },
    jobs: { asOf: jobs?.asOf ?? null, queues: [...(jobs?.queues ?? [])] },
    standby: speaking?.standby ?? { asOf: null, videos: null },
    backups: summarize(backups),
    drills,
    abuse: board.fresh('api')?.abuse ?? null,
    orders,
  }
}

const within = <T>(asked: Promise<T>): Promise<T | null> =>
  Promise.race([asked.catch(() => null), sleep(READ_LIMIT_MS, null, { ref: false })])

/** Where the drills' last results lie, in the instance's own data folder. */
export const drillsPathOf = (dataDir: string): string => join(dataDir, 'run', 'drills.json')

async function readDrills(dataDir: string): Promise<DrillResults | null> {
  return DrillResults.safeParse(JSON.parse(await readFile(drillsPathOf(dataDir), 'utf8'))).data ?? null
}

/** Down where one finds it down. Of the roles themselves, the supervisor knows best. */
const dependenciesOf = (
  reports: readonly (readonly [RoleName, RoleReport | null])[],
): OperationsState['dependencies'] =>
  Dependency.options.map((dependency) => {
    const seen = reports.flatMap(([role, report]) => {
      const isUp = report?.dependencies[dependency] ?? null
      return isUp === null ? [] : [{ role, isUp }]
    })
    const down = seen.filter(({ isUp }) => !isUp).map(({ role }) => role)
    if (seen.length === 0) return { dependency, isUp: null, detail: null }
    return {
      dependency,
      isUp: down.length === 0,
      detail: down.length > 0 ? `away as ${down.join(', ')} sees it` : null,
    }
  })

function addJournals(journals: readonly (JournalVitals | null)[]): JournalVitals | null {
  const kept = journals.filter((journal) => journal !== null)
  if (kept.length === 0) return null
  const known = (read: (journal: JournalVitals) => number | null) =>
    kept.map(read).filter((value) => value !== null)
  const total = (values: number[]) => (values.length === 0 ? null : values.reduce((a, b) => a + b, 0))
  const oldest = known(({ oldestAgeMs }) => oldestAgeMs)
  const writable = kept.map(({ isWritable }) => isWritable).filter((it) => it !== null)
  return {
    isWritable: writable.length === 0 ? null : writable.every(Boolean),
    pending: total(known(({ pending }) => pending)),
    sizeBytes: total(known(({ sizeBytes }) => sizeBytes)),
    oldestAgeMs: oldest.length === 0 ? null : Math.max(...oldest),
  }
}

function summarize(records: BackupRecords | null): OperationsState['backups'] {
  if (!records) return { lastBackupAt: null, lastProofAt: null, trouble: null }
  const { lastBackup, lastBackupFailure, lastPushFailure, lastProof, lastProofFailure } = records
  return {
    lastBackupAt: lastBackup?.snapshotAt ?? null,
    lastProofAt: lastProof?.at ?? null,
    trouble: (lastBackupFailure ?? lastPushFailure ?? lastProofFailure)?.detail ?? null,
  }
}
