/** Files of the standby shelf, read when they are others than before. */
import { readFile, stat } from 'node:fs/promises'
import type { Log } from '../../../kit/log.ts'
import { readLastGood, type RecordFile } from '../../../kit/files/record-file.ts'
import { Round, standbyPath, type Standing, type StandbyFile } from './format.ts'

export interface FileReader<T> {
  /** Null: there was never a whole one. */
  readonly opened: T | null
  readonly damagedCount: number
  /** Whether there is another now. Never throws. */
  refresh(): Promise<boolean>
}

/** A damaged file is said in the log once, and the one before it is used. */
export function createFileReader<T extends { readonly asOfMs: number }>(
  { dataDir, log }: { readonly dataDir: string; readonly log: Log },
  name: StandbyFile,
  open: (file: RecordFile) => T,
): FileReader<T> {
  const path = standbyPath(dataDir, name)
  let seen = ''
  let damagedCount = 0
  let opened: T | null = null
  const complain = (error: Error): void => {
    damagedCount += 1
    log.warn({ err: error, file: name }, 'standby.damaged')
  }
  return {
    get opened() {
      return opened
    },
    get damagedCount() {
      return damagedCount
    },
    async refresh() {
      const version = await versionOf(path)
      if (version === seen) return false
      seen = version
      const { file, damage } = await readLastGood(path)
      for (const error of damage) complain(error)
      // What is in memory is better than nothing: it stays when nothing whole is on disk any more.
      if (!file) return false
      try {
        const found = open(file)
        // …and it may be newer than what is left.
        if (damage.length > 0 && opened !== null && found.asOfMs < opened.asOfMs) return false
        opened = found
        return true
      } catch (error) {
        complain(error as Error)
        return false
      }
    },
  }
}

/** When each file was right the last time. What can't be read leaves what was known. */
export function createRoundReader(dataDir: string) {
  const path = standbyPath(dataDir, 'round')
  let seen = ''
  let files: Round['files'] = {}
  return {
    /** Null: nothing was found out since the file of that time was written. */
    standingOf(name: StandbyFile, asOfMs: number): Standing | null {
      const standing = files[name]
      return standing?.asOfMs === asOfMs ? standing : null
    },
    async refresh(): Promise<boolean> {
      const version = await versionOf(path)
      if (version === seen) return false
      seen = version
      try {
        files = Round.parse(JSON.parse(await readFile(path, 'utf8'))).files
        return true
      } catch {
        return false
      }
    },
  }
}

/** Of a file's name, not of what is in it: as long as it is the same, so are the bytes. */
export async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch {
    return 'missing'
  }
}
