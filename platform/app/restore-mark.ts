/** The mark of a restore that has not come to its end: a data folder that has it holds half an instance. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeWhole } from '../../kit/files/durable-file.ts'

const pathOf = (dataDir: string) => join(dataDir, 'restore.unfinished')

/** Which backup was being restored into this data folder; null: none. */
export async function readRestoreMark(dataDir: string): Promise<string | null> {
  try {
    return (await readFile(pathOf(dataDir), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Sets the mark, for good. */
export async function setRestoreMark(dataDir: string, backup: string): Promise<void> {
  await writeWhole(pathOf(dataDir), `${backup}\n`)
  await syncFolder(dataDir)
}

/** Takes it away: the instance is whole. */
export async function clearRestoreMark(dataDir: string): Promise<void> {
  await rm(pathOf(dataDir))
  await syncFolder(dataDir)
}
