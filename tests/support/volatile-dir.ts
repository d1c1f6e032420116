/** Where to put what lives for a run alone and consists of many small files: in memory, where the machine offers that. */
import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/** POSIX shared memory: a tmpfs on every Linux, though containers may have little of it. */
const SHARED_MEMORY = '/dev/shm'
/** What the databases of all tests under way may come to. */
const WANTED_BYTES = 2 * 1024 ** 3

/**
 * A folder of the machine to make temporary folders in. Databases are cloned and dropped by the thousand, some hundred
 * files each: on a disk the file system's own work is a third of a run.
 */
export async function volatileDir(): Promise<string> {
  try {
    await access(SHARED_MEMORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(SHARED_MEMORY)
    return bavail * bsize >= WANTED_BYTES ? SHARED_MEMORY : tmpdir()
  } catch {
    return tmpdir()
  }
}
