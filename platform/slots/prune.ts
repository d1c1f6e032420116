/** Keeps what releases take on disk within bounds: folders that nobody goes back to are deleted. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { slotsDirOf } from './store.ts'

/** Beside those that are or were in force: what was made ready last, or went back, to be looked at. */
export const OTHERS_KEPT = 2
/** Something may still be made ready in it. */
const STAGING_KEPT_MS = 3_600_000

/**
 * Deletes the folders of releases but for the wanted ones and the `OTHERS_KEPT` youngest others.
 *
 * @param wanted folders that have to stay
 * @returns how many were deleted
 */
export async function pruneSlots(dataDir: string, wanted: ReadonlySet<string>, at: Date): Promise<number> {
  const dir = slotsDirOf(dataDir)
  const names = await readdir(dir).catch(() => [])
  const ages = await Promise.all(
    names.map(async (name) => {
      const path = join(dir, name)
      // Made when it was made ready: nothing is written into it afterwards.
      const changedMs = await stat(path).then(
        ({ ctimeMs }) => ctimeMs,
        () => 0,
      )
      return { name, path, changedMs }
    }),
  )
  const others = ages
    .filter(({ name, path }) => /^[0-9a-f]{16}$/.test(name) && !wanted.has(path))
    .toSorted((one, other) => other.changedMs - one.changedMs)
    .slice(OTHERS_KEPT)
  const abandoned = ages.filter(
    ({ name, changedMs }) => /\.staging(\.tar)?$/.test(name) && at.getTime() - changedMs > STAGING_KEPT_MS,
  )
  for (const { path } of [...others, ...abandoned]) await rm(path, { recursive: true, force: true })
  return others.length + abandoned.length
}
