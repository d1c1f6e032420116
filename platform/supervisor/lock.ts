/** One supervisor per data folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { takeFileLock } from '../../kit/files/file-lock.ts'

/** Another supervisor runs on this data folder. */
export class AlreadyRunningError extends Error {}

/**
 * Takes the data folder for this process; the lock ends with its holder, however that dies. Disposal gives it back.
 *
 * @throws {AlreadyRunningError} naming the process that holds it.
 */
export async function lockDataDir(dataDir: string): Promise<Disposable> {
  const runDir = join(dataDir, 'run')
  await mkdir(runDir, { recursive: true, mode: 0o700 })
  const pidFile = join(runDir, 'supervisor.pid')
  const lock = takeFileLock(join(runDir, 'supervisor.lock'))
  if (!lock) {
    const pid = await readFile(pidFile, 'utf8').catch(() => 'unknown')
    throw new AlreadyRunningError(
      `Upbeat already runs on ${dataDir} (process ${pid.trim()}). ` +
        'Stop that one first, or give this one a folder of its own: ./up --data DIR --port PORT',
    )
  }
  await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
  return lock
}
