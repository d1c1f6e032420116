/**
 * Uploads under way, as of a moment: second names (hard links) for their files, so that they can be copied although they
 * go on, end, or become originals meanwhile. Their files only grow as far as was acknowledged, so a later copy has all
 * that an earlier row of the database says.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDER_PREFIX = '.backup-'

export interface StagedFiles extends AsyncDisposable {
  /** Holds the second names. */
  readonly folder: string
  /** Gives a second name to every file that is there now. */
  look(): Promise<void>
}

/** Disposal takes the second names away; what a backup left that was killed goes, too. */
export async function stageSnapshot(stagingDir: string): Promise<StagedFiles> {
  await mkdir(stagingDir, { recursive: true, mode: 0o700 })
  for (const name of await readdir(stagingDir))
    if (name.startsWith(FOLDER_PREFIX)) await rm(join(stagingDir, name), { recursive: true, force: true })
  const folder = join(stagingDir, `${FOLDER_PREFIX}${randomUUID()}`)
  await mkdir(folder, { mode: 0o700 })
  return {
    folder,
    async look() {
      for (const entry of await readdir(stagingDir, { withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith('.tmp')) continue
        await link(join(stagingDir, entry.name), join(folder, entry.name)).catch(
          (error: NodeJS.ErrnoException) => {
            // Linked by the look before, or ended in this very moment.
            if (error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error
          },
        )
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
