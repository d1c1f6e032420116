/**
 * The web app's code of the last releases: a page of one release may ask a process of another for a part of itself, while a release
 * is tried out and for as long as a tab stays open after it.
 *
 * Names carry the hash of what is inside (the bundler's promise), so the files of all builds lie in one folder.
 */
import { createHash } from 'node:crypto'
import { copyFile, link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../../kit/files/durable-file.ts'

/** Of so many builds the code is kept: some 2 MB each, and less as far as they have parts in common. */
export const BUILDS_KEPT = 8

const BuildRecord = z.object({ keptAt: z.iso.datetime(), paths: z.array(z.string()) })
type BuildRecord = z.infer<typeof BuildRecord>

/** Where the files lie, as they are asked for below `/_app/`. */
export const assetShelfOf = (dataDir: string): string => join(dataDir, 'web-assets', '_app')
const recordsOf = (dataDir: string): string => join(dataDir, 'web-assets', 'builds')

/**
 * Keeps the code of a build, and forgets that of the oldest when there are more than `BUILDS_KEPT`. Idempotent. Does nothing where
 * there is no build.
 *
 * @param buildDir `web/build` of a checkout
 */
export async function shelveAssets(dataDir: string, buildDir: string, at: Date): Promise<void> {
  const from = join(buildDir, '_app')
  const paths = (await listFiles(join(from, 'immutable'))).map((path) => join('immutable', path)).toSorted()
  if (paths.length === 0) return
  const name = createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 16)
  // Before its files: whoever tidies up at the same moment leaves them alone.
  const record: BuildRecord = { keptAt: at.toISOString(), paths }
  await mkdir(recordsOf(dataDir), { recursive: true, mode: 0o700 })
  await writeWhole(join(recordsOf(dataDir), `${name}.json`), JSON.stringify(record))
  for (const path of paths) await place(join(from, path), join(assetShelfOf(dataDir), path))
  await forgetOldest(dataDir)
}

/** By a link where the file system has both: a build that is made anew replaces its files, it does not write into them. */
async function place(source: string, target: string): Promise<void> {
  if (existsSync(target)) return
  await mkdir(dirname(target), { recursive: true })
  try {
    await link(source, target)
  } catch {
    await copyFile(source, target)
  }
}

async function forgetOldest(dataDir: string): Promise<void> {
  const records = await readRecords(dataDir)
  const byAge = records.toSorted((one, other) => (one.keptAt < other.keptAt ? 1 : -1))
  for (const { file } of byAge.slice(BUILDS_KEPT)) await rm(file, { force: true })
  const wanted = new Set(byAge.slice(0, BUILDS_KEPT).flatMap(({ paths }) => paths))
  const shelf = assetShelfOf(dataDir)
  for (const path of await listFiles(shelf))
    if (!wanted.has(path)) await rm(join(shelf, path), { force: true })
}

/** What can't be read keeps nothing. */
async function readRecords(dataDir: string): Promise<(BuildRecord & { file: string })[]> {
  const dir = recordsOf(dataDir)
  const names = (await readdir(dir)).filter((name) => name.endsWith('.json'))
  const records = await Promise.all(
    names.map(async (name) => {
      const file = join(dir, name)
      try {
        return { file, ...BuildRecord.parse(JSON.parse(await readFile(file, 'utf8'))) }
      } catch {
        return { file, keptAt: '', paths: [] }
      }
    }),
  )
  return records
}

/** Paths below the folder; none of a folder that is not there. */
async function listFiles(dir: string): Promise<string[]> {
  const isThere = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isThere) return []
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
}
