/**
 * Withdrawals on disk, in `DATA_DIR/standby/withdrawn/`: all processes append to `lately`; the worker sets that aside under
 * a name of its own and removes it when the shelf has all that it says. So there are two files at most.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../../../kit/files/durable-file.ts'
import { beforeOf } from '../../../kit/files/record-file.ts'
import { versionOf } from './files.ts'
import { standbyPath } from './format.ts'
import { decodeWithdrawals, encodeWithdrawal, WITHDRAWAL_BYTES, type Withdrawal } from './withdrawals.ts'

/** Of one file. Nothing takes them away while no shelf is made, and every process holds them in memory. */
export const FILE_MAX_WITHDRAWALS = 50_000
const FILE_MAX_BYTES = FILE_MAX_WITHDRAWALS * WITHDRAWAL_BYTES

const folderOf = (dataDir: string): string => join(dataDir, 'standby', 'withdrawn')
const LATELY = 'lately'

/**
 * Adds them; on disk when it settles.
 *
 * @throws when the disk takes nothing, or the file is as large as it may be.
 */
export async function appendWithdrawals(dataDir: string, withdrawals: readonly Withdrawal[]): Promise<void> {
  const folder = folderOf(dataDir)
  if (await mkdir(folder, { recursive: true, mode: 0o700 })) {
    await syncFolder(dirname(folder))
    await syncFolder(dataDir)
  }
  const bytes = Buffer.concat(withdrawals.map(encodeWithdrawal))
  // The worker may have set the file aside meanwhile, and may have read it before: then once more, into the next. It does
  // so once a round.
  while (!(await appendOnce(join(folder, LATELY), bytes)));
}

/** @returns whether it is the file of that name still. */
async function appendOnce(path: string, bytes: Buffer): Promise<boolean> {
  const file = await open(path, 'a', 0o600)
  try {
    const { size, ino } = await file.stat()
    if (size + bytes.length > FILE_MAX_BYTES) throw new Error(`${path} has as many bytes as it may have.`)
    await file.appendFile(bytes)
    await file.datasync()
    await syncFolder(dirname(path))
    // While it is open nobody else gets its number.
    return (await stat(path).catch(() => null))?.ino === ino
  } finally {
    await file.close()
  }
}

/**
 * Takes the rules off the shelf: a process that starts without the database then serves nothing of it. For when a
 * withdrawal can't be written down: a name can be removed where there is no room for a byte.
 */
export async function removeRules(dataDir: string): Promise<void> {
  const path = standbyPath(dataDir, 'rules')
  for (const place of [path, beforeOf(path)]) await rm(place, { force: true })
  await syncFolder(dirname(path))
}

export interface WithdrawalReader {
  /** Whether they were ever read: else nobody knows what the shelf must not show. */
  readonly isKnown: boolean
  /** Never throws. */
  refresh(): Promise<void>
}

/** Tells of each at least once, in any order. */
export function createWithdrawalReader(
  dataDir: string,
  learn: (withdrawal: Withdrawal) => void,
  onError: (error: unknown) => void,
): WithdrawalReader {
  const folder = folderOf(dataDir)
  const seen = new Map<string, string>()
  let isKnown = false
  /** @returns whether all that were listed were there. */
  async function readListed(): Promise<boolean> {
    const names = await listNames(folder)
    for (const name of seen.keys()) if (!names.includes(name)) seen.delete(name)
    for (const name of names) {
      const version = await versionOf(join(folder, name))
      if (seen.get(name) === version) continue
      const withdrawals = await readWithdrawals(join(folder, name))
      if (!withdrawals) return false
      for (const withdrawal of withdrawals) learn(withdrawal)
      seen.set(name, version)
    }
    return true
  }
  async function read(): Promise<void> {
    // What was set aside between the look and the reading has another name now.
    while (!(await readListed()));
    isKnown = true
  }
  return {
    get isKnown() {
      return isKnown
    },
    refresh: () => read().catch(onError),
  }
}

export interface AsideWithdrawals {
  readonly withdrawals: readonly Withdrawal[]
  remove(): Promise<void>
}

/**
 * What was set aside: now, or earlier, when the shelf did not have all of it. Nothing is added to it any more. Null: there
 * is nothing.
 */
export async function setWithdrawalsAside(dataDir: string): Promise<AsideWithdrawals | null> {
  const folder = folderOf(dataDir)
  const names = await listNames(folder)
  let aside = names.filter((name) => name !== LATELY)
  if (aside.length === 0 && names.includes(LATELY)) {
    // A name of its own: another worker must not push it out.
    aside = [randomUUID()]
    await rename(join(folder, LATELY), join(folder, aside[0]!))
  }
  if (aside.length === 0) return null
  const paths = aside.map((name) => join(folder, name))
  return {
    withdrawals: (await Promise.all(paths.map(readWithdrawals))).flatMap((found) => found ?? []),
    async remove() {
      for (const path of paths) await rm(path, { force: true })
    },
  }
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Null: there is no file of that name any more. */
async function readWithdrawals(path: string): Promise<Withdrawal[] | null> {
  try {
    return decodeWithdrawals(await readFile(path))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
