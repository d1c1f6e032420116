/** One supervisor per data folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another supervisor runs on this data folder. */
export class AlreadyRunningError extends Error {}

const SQLITE_BUSY = 5

/**
 * Takes the data folder for this process. The lock is the kernel's (held through SQLite, as Node itself offers none),
 * so it ends with its holder, however that dies. Disposal gives it back.
 *
 * @throws {AlreadyRunningError} naming the process that holds it.
 */
export async function lockDataDir(dataDir: string): Promise<Disposable> {
  const runDir = join(dataDir, 'run')
  await mkdir(runDir, { recursive: true, mode: 0o700 })
  const pidFile = join(runDir, 'supervisor.pid')
  const lock = new DatabaseSync(join(runDir, 'supervisor.lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    const pid = await readFile(pidFile, 'utf8').catch(() => 'unknown')
    throw new AlreadyRunningError(
      `Upbeat already runs on ${dataDir} (process ${pid.trim()}). ` +
        'Stop that one first, or give this one a folder of its own: ./up --data DIR --port PORT',
      { cause: error },
    )
  }
  await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
  return { [Symbol.dispose]: () => lock.close() }
}
