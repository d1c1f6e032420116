/** Files that are there whole, and stay there through a power cut, or are not there at all. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface DurableFileOptions {
  /** @default 0o600 */
  readonly mode?: number
}

/** Writes a temporary file beside it, syncs it, and renames it. Call `syncFolder` when the name must survive, too. */
export async function writeWhole(
  path: string,
  source: Uint8Array | string | AsyncIterable<Uint8Array>,
  options: DurableFileOptions = {},
): Promise<{ sizeBytes: number }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const written = await writeSynced(temporary, source, options)
    await rename(temporary, path)
    return written
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Writes a new file and syncs it. @throws with `code: 'EEXIST'` when there is one */
export async function writeSynced(
  path: string,
  source: Uint8Array | string | AsyncIterable<Uint8Array>,
  { mode = 0o600 }: DurableFileOptions = {},
): Promise<{ sizeBytes: number }> {
  const file = await open(path, 'wx', mode)
  let sizeBytes = 0
  try {
    const pieces =
      typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source
    for await (const piece of pieces) {
      await file.writeFile(piece)
      sizeBytes += piece.byteLength
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sizeBytes }
}

/** Makes the names in a folder survive. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
