/**
 * The files of the watch that runs beside the instance, as of a moment: SQLite's own way of copying a database that is
 * written. Of the watch nothing else is known here; without it the backup is whole.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'

/** Of its folder in the instance's. */
export const WATCH_NAME = 'watch'

const SUFFIX = '.sqlite'
/** In one step: with more of them a writer that never rests would have the copy begun anew for ever. */
const ALL_PAGES = 2 ** 31 - 1
const BUSY_TIMEOUT_MS = 2_000

export interface WatchCopies extends AsyncDisposable {
  readonly folder: string
  /** Files that could not be copied. */
  readonly leftOut: readonly { readonly what: string; readonly why: string }[]
}

/** Copies each of them into a folder in `scratchDir`. Disposal takes the copies away. */
export async function copyWatchFiles(watchDir: string, scratchDir: string): Promise<WatchCopies> {
  await mkdir(scratchDir, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(scratchDir, '.backup-watch-'))
  const leftOut: { what: string; why: string }[] = []
  const names = await readdir(watchDir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code !== 'ENOENT') leftOut.push({ what: watchDir, why: error.message })
    return []
  })
  for (const name of names.filter((one) => one.endsWith(SUFFIX)))
    try {
      using source = openToRead(join(watchDir, name))
      await backup(source.db, join(folder, name), { rate: ALL_PAGES })
    } catch (error) {
      leftOut.push({ what: join(watchDir, name), why: (error as Error).message })
      await rm(join(folder, name), { force: true })
    }
  return { folder, leftOut, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function openToRead(path: string): Disposable & { readonly db: DatabaseSync } {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  return { db, [Symbol.dispose]: () => db.close() }
}
