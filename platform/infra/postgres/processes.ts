/** Which processes live, read from /proc. A process id alone proves nothing: ids are reused. */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** Whether a process with this id lives and works in `dir`, as each process of a PostgreSQL works in its cluster's folder. */
export async function isWorkingIn(pid: number, dir: string): Promise<boolean> {
  const [workingDir, stat] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => null),
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null),
  ])
  return workingDir === dir && stat !== null && !/\) [ZX] /.test(stat)
}

/** The ids of all processes that work in `dir`. */
export async function listWorkingIn(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => ((await isWorkingIn(pid, dir)) ? pid : null)))
  return found.filter((pid) => pid !== null)
}

/** Sends a signal; false when the process is gone already. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
