/** Which processes live, read from /proc. A process id alone proves nothing: ids are reused. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** One process, told from all others that had or will have its number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Boot of the machine and clock ticks since then, as the kernel says them. */
  readonly startedAt: string
}

/** Tells which process has this id now; null when none has, or when it only waits to be reaped. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  const [stat, bootId] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown'),
  ])
  // The program's name stands in parentheses and may hold any character, so fields count from the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return null
  return { pid, startedAt: `${bootId.trim()}:${fields[19]}` }
}

/** Whether a living process works in `dir`, as each process of a PostgreSQL works in its cluster's folder. */
export async function isWorkingIn(pid: number, dir: string): Promise<boolean> {
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => null)
  return workingDir === dir && (await identifyProcess(pid)) !== null
}

/** The ids of all processes that work in `dir`. */
export async function listWorkingIn(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => ((await isWorkingIn(pid, dir)) ? pid : null)))
  return found.filter((pid) => pid !== null)
}

const RESTART_DELAYS_MS = [0, 250, 500, 1_000, 2_000]

/**
 * The pause before what died is started again; ends early with the signal.
 *
 * @param attempt how often it was started in vain: 0 for the first restart.
 * @param delaysMs by attempt; the last one for all further ones. @default at once, then up to 2 s
 */
export async function pauseBeforeRestart(
  attempt: number,
  signal: AbortSignal,
  delaysMs: readonly number[] = RESTART_DELAYS_MS,
): Promise<void> {
  const delayMs = delaysMs[Math.min(attempt, delaysMs.length - 1)]
  await sleep(delayMs, undefined, { signal }).catch(() => {})
}

/** Sends a signal to a process, or to a whole group by its negative id; false when it is gone already. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
