/** The folder into which documents are dropped: `documents/inbox/KIND.json`. */
import { lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inboxOf, RELEASE_KINDS } from '../../releases/index.ts'

/** Reads it and takes it away; what has more bytes than these is not read. Null: there is no such file. */
export async function takeFile(
  path: string,
  maxBytes: number,
): Promise<{ readonly bytes: Buffer; readonly sizeBytes: number } | null> {
  const found = await lstat(path).catch(() => null)
  if (!found?.isFile()) return null
  const bytes = found.size > maxBytes ? Buffer.alloc(0) : await readFile(path)
  await rm(path)
  return { bytes, sizeBytes: found.size }
}

/** Inotify does not work on every file system. */
const LOOK_INTERVAL_MS = 250

/**
 * Looks for files, and takes each away once it has not grown between two looks.
 *
 * @param onFile with no bytes, but their number, where there are more than the kind allows: those are never read
 */
export async function watchInbox(
  dataDir: string,
  onFile: (kind: string, bytes: Buffer, sizeBytes: number) => void,
): Promise<Disposable> {
  const folder = inboxOf(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const sizes = new Map<string, number>()
  let isLooking = false

  async function look(): Promise<void> {
    for (const { name, bounds } of RELEASE_KINDS) {
      const path = join(folder, `${name}.json`)
      const found = await lstat(path).catch(() => null)
      if (!found?.isFile()) continue
      if (sizes.get(name) !== found.size) {
        sizes.set(name, found.size)
        continue
      }
      sizes.delete(name)
      const taken = await takeFile(path, bounds.maxBytes)
      if (taken) onFile(name, taken.bytes, taken.sizeBytes)
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look()
      .catch(() => {})
      .finally(() => (isLooking = false))
  }, LOOK_INTERVAL_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
