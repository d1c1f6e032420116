/** A lock that ends with its holder, however that dies: the kernel's, held through SQLite, as Node offers none itself. */
import { DatabaseSync } from 'node:sqlite'

const SQLITE_BUSY = 5

/** Takes the lock of this file, which is made when missing; null when another process has it. Disposal gives it back. */
export function takeFileLock(path: string): Disposable | null {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null
    throw error
  }
  return { [Symbol.dispose]: () => lock.close() }
}
