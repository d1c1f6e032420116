/** One watch per data folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendSignal } from '../../kit/processes.ts'

/** Another watch runs on this data folder. */
export class WatchRunsAlreadyError extends Error {}

const SQLITE_BUSY = 5
const END_TIMEOUT_MS = 12_000
const POLL_MS = 50

/**
 * Takes the folder for this process; with `isReplaced`, from the watch that has it, which is ended in order first. The lock
 * is the kernel's (held through SQLite, as Node itself offers none), so it ends with its holder, however that dies.
 *
 * @throws {WatchRunsAlreadyError}
 */
export async function lockWatchDir(
  dataDir: string,
  { isReplaced }: { readonly isReplaced: boolean },
): Promise<Disposable> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const pidFile = join(dataDir, 'watch.pid')
  let signalled: NodeJS.Signals | null = null
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const lock = tryLock(join(dataDir, 'watch.lock'))
    if (lock) {
      await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
      return { [Symbol.dispose]: () => lock.close() }
    }
    const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim())
    if (!isReplaced || waitedMs > 2 * END_TIMEOUT_MS || !(pid > 1))
      throw new WatchRunsAlreadyError(
        `A watch already runs on ${dataDir} (process ${pid || 'unknown'}). ` +
          'Stop that one first, start this one with --replace, or give it a folder of its own: --data DIR',
      )
    // The lock is held, so whoever wrote the number lives.
    const signal = waitedMs > END_TIMEOUT_MS ? 'SIGKILL' : 'SIGTERM'
    if (signalled !== signal) sendSignal(pid, signal)
    signalled = signal
    await sleep(POLL_MS)
  }
}

function tryLock(path: string): DatabaseSync | null {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    return null
  }
}
