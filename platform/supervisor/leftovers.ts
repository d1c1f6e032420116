/** Roles that outlived a killed supervisor, and what those had started: ended before the next one starts its own. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { identifyProcess, sendSignal } from '../../kit/processes.ts'

const Records = z.array(z.object({ pid: z.number().int().positive(), startedAt: z.string() }))
type Records = z.infer<typeof Records>

/** How long an orphan may take to end by itself: it sees that its supervisor is gone. */
const GRACE_MS = 2_000
const POLL_INTERVAL_MS = 50

export interface RoleRecords {
  /** Notes a process of ours, the leader of its group. */
  add(pid: number): Promise<void>
}

/**
 * Ends what a former supervisor of this data folder left behind, then begins a new list. Call it under the folder's
 * lock.
 */
export async function endLeftovers(dataDir: string): Promise<RoleRecords> {
  const path = join(dataDir, 'run', 'roles.json')
  const groups = await findLivingGroups(await readRecords(path))
  for (let waitedMs = 0; waitedMs < GRACE_MS && groups.some(isGroupAlive); waitedMs += POLL_INTERVAL_MS)
    await sleep(POLL_INTERVAL_MS)
  for (const pid of groups) if (isGroupAlive(pid)) sendSignal(-pid, 'SIGKILL')

  const records: Records = []
  await writeRecords(path, records)
  let writing = Promise.resolve()
  return {
    add(pid) {
      writing = writing.then(async () => {
        const identity = await identifyProcess(pid)
        if (identity) records.push(identity)
        // The youngest suffice: an older process of the same role is known to be dead.
        records.splice(0, records.length - 50)
        await writeRecords(path, records)
      })
      return writing
    },
  }
}

/**
 * The groups that are still ours. The kernel gives a number to nobody else while a group bears it, so either the
 * leader is the very process that was noted, or it is gone and the members are its children.
 */
async function findLivingGroups(records: Records): Promise<number[]> {
  const checked = await Promise.all(
    records.map(async ({ pid, startedAt }) => {
      const now = await identifyProcess(pid)
      const isOurs = now ? now.startedAt === startedAt : startedAt.startsWith(await bootId())
      return isOurs ? pid : null
    }),
  )
  return checked.filter((pid) => pid !== null)
}

async function bootId(): Promise<string> {
  return (await identifyProcess(process.pid))!.startedAt.split(':')[0]!
}

function isGroupAlive(pid: number): boolean {
  try {
    return sendSignal(-pid, 0)
  } catch {
    return false
  }
}

async function readRecords(path: string): Promise<Records> {
  const text = await readFile(path, 'utf8').catch(() => '[]')
  try {
    return Records.parse(JSON.parse(text))
  } catch {
    return []
  }
}

async function writeRecords(path: string, records: Records): Promise<void> {
  await writeFile(`${path}.unfinished`, JSON.stringify(records), { mode: 0o600 })
  await rename(`${path}.unfinished`, path)
}
