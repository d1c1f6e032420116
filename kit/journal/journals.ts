/** Many journals under one root, one folder a process: a process takes up what the dead have left. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { JournalInUseError } from './errors.ts'
import { openJournal, type Journal, type JournalOptions } from './journal.ts'
import { listSegments } from './segment-files.ts'
import { HEADER_BYTES } from './segment-format.ts'

export type RootOptions = Omit<JournalOptions, 'folder' | 'mustExist'> & { readonly root: string }

const OPEN_ATTEMPTS = 5
const FOLDER_NAME = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Opens a new journal for this process, in a folder whose name sorts by the time it was made. */
export async function openOwnJournal({ root, ...options }: RootOptions): Promise<Journal> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openJournal({ ...options, folder: join(root, uuidv7()) })
    } catch (error) {
      // Somebody who looks for what the dead have left may be faster than our lock.
      if (!isTaken(error) || attempt === OPEN_ATTEMPTS) throw error
    }
  }
}

/**
 * Takes up the journals of dead processes, the oldest first, but for the folders that this process has open. Whoever
 * replayed one disposes of it. One that can't be read throws, or is told to `onUnreadable` and left.
 */
export async function takeAbandonedJournals(
  { root, ...options }: RootOptions,
  own: readonly string[] = [],
  onUnreadable: (folder: string, error: unknown) => void = (_, error) => {
    throw error
  },
): Promise<Journal[]> {
  const taken: Journal[] = []
  for (const folder of await listFolders(root)) {
    if (own.includes(folder)) continue
    try {
      taken.push(await openJournal({ ...options, folder, mustExist: true }))
    } catch (error) {
      if (!isTaken(error)) onUnreadable(folder, error)
    }
  }
  return taken
}

/** Whether a journal other than these has records that are not done, as far as its files show. */
export async function hasRecordsElsewhere(root: string, own: readonly string[] = []): Promise<boolean> {
  for (const folder of await listFolders(root)) {
    if (own.includes(folder)) continue
    for (const { path } of await listSegments(folder).catch(() => [])) {
      const { size } = await stat(path).catch(() => ({ size: 0 }))
      if (size > HEADER_BYTES) return true
    }
  }
  return false
}

async function listFolders(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => FOLDER_NAME.test(name))
    .sort()
    .map((name) => join(root, name))
}

/** Locked, or removed by another process between the look and the lock. */
const isTaken = (error: unknown): boolean =>
  error instanceof JournalInUseError ||
  (error as NodeJS.ErrnoException).code === 'ENOENT' ||
  /unable to open database file/.test((error as Error).message)
