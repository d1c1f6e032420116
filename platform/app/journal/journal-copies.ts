/**
 * Journals as of a moment, for a backup: whatever was acknowledged by then is in the database's snapshot or in these copies,
 * and most of it in one of them only.
 *
 * A segment is copied by the backup once the snapshot stands, or by the process that is done with it, right before it is
 * emptied or removed: from before the snapshot on, no record leaves the disk without a copy.
 */
import { copyFile, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const HOLD_NAME = '.backup'
const LEASE_NAME = 'lease'
const COPIES_NAME = 'copies'
/** What a backup that died has left asks for no copies any more. */
const LEASE_MS = 60_000
const RENEW_INTERVAL_MS = 10_000
const JOURNAL_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export interface JournalCopies extends AsyncDisposable {
  /** Holds the copies, laid out as the folder of all journals is. */
  readonly folder: string
  /** Copies what is there now, and asks for no more. Call it when the snapshot stands. @throws when too much time went by */
  take(): Promise<void>
}

/** Begins to ask for copies: call it before the snapshot. Disposal takes them away. One at a time. */
export async function holdJournalCopies(root: string): Promise<JournalCopies> {
  const hold = join(root, HOLD_NAME)
  const [lease, folder] = [join(hold, LEASE_NAME), join(hold, COPIES_NAME)]
  await rm(hold, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(lease, '')
  let renewedMs = performance.now()
  let hasLapsed = false
  const renewing = setInterval(async () => {
    const nowMs = performance.now()
    hasLapsed ||= nowMs - renewedMs >= LEASE_MS
    await utimes(lease, new Date(), new Date()).then(
      () => (renewedMs = nowMs),
      () => {},
    )
  }, RENEW_INTERVAL_MS)
  const end = async (): Promise<void> => {
    clearInterval(renewing)
    await rm(lease, { force: true })
  }
  return {
    folder,
    async take() {
      for (const name of await readdir(root)) {
        if (!JOURNAL_NAME.test(name)) continue
        const segments = await readdir(join(root, name)).catch(orNothing)
        for (const segment of segments.filter((file) => file.endsWith('.segment')))
          // One that is emptied or gone meanwhile has been copied before.
          await copyWhole(join(root, name, segment), join(folder, name)).catch(orNothing)
      }
      if (hasLapsed || performance.now() - renewedMs >= LEASE_MS)
        throw new Error('Journals went on without a copy while the machine stood still.')
      await end()
    },
    async [Symbol.asyncDispose]() {
      await end()
      await rm(hold, { recursive: true, force: true })
    },
  }
}

/** Copies a segment whose records are about to leave the disk, if a backup asks for it. */
export async function copyIfAsked(root: string, path: string): Promise<void> {
  const hold = join(root, HOLD_NAME)
  const askedAtMs = await stat(join(hold, LEASE_NAME)).then(
    ({ mtimeMs }) => mtimeMs,
    () => -Infinity,
  )
  if (Date.now() - askedAtMs >= LEASE_MS) return
  await copyWhole(path, join(hold, COPIES_NAME, nameBefore(basename(dirname(path)), Date.now())))
}

/**
 * A name for a journal that sorts right before this one's, and after earlier ones of the same kind: the records in it came
 * before those that this one has now.
 */
function nameBefore(journal: string, nowMs: number): string {
  const [high, low, random, variant] = journal.split('-') as [string, string, string, string]
  const time = (Number.parseInt(high + low, 16) - 1).toString(16).padStart(12, '0')
  const end = nowMs.toString(16).padStart(12, '0')
  return [time.slice(0, 8), time.slice(8), random, variant, end].join('-')
}

async function copyWhole(path: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const target = join(folder, basename(path))
  await copyFile(path, `${target}.tmp`)
  await rename(`${target}.tmp`, target)
}

function orNothing(error: NodeJS.ErrnoException): never[] {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  return []
}
