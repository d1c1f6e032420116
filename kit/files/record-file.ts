/**
 * A file of named sections under one checksum, written whole or not at all; the one before it is kept, and is what a
 * reader gets when the newer one is damaged.
 *
 * Layout: magic, length of the head, the head as JSON, the sections one after the other, SHA-256 of all before it.
 */
import { createHash, webcrypto } from 'node:crypto'
import { link, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder, writeWhole } from './durable-file.ts'

const MAGIC = Buffer.from('RECORDS1')
const LENGTH_BYTES = 4
const SUM_BYTES = 32

export interface RecordFile {
  /** What the writer said of it: any JSON. */
  readonly head: unknown
  readonly sections: ReadonlyMap<string, Buffer>
}

export interface LastGood {
  /** Null: neither file is there, or neither is whole. */
  readonly file: RecordFile | null
  /** What was wrong with those that were passed over, newest first. */
  readonly damage: readonly Error[]
}

export class DamagedFileError extends Error {
  constructor(path: string, what: string) {
    super(`${path} is damaged: ${what}.`)
  }
}

/** Where the file before the newest is kept. */
export const beforeOf = (path: string): string => `${path}.before`

/**
 * Writes the file. What was there becomes the one before it; tell by `isOldGood` whether it deserves that: a damaged file
 * must not push out a good one.
 */
export async function writeRecordFile(
  path: string,
  { head, sections }: { readonly head: unknown; readonly sections: Readonly<Record<string, Buffer>> },
  { isOldGood }: { readonly isOldGood: boolean },
): Promise<{ sizeBytes: number }> {
  const names = Object.entries(sections).map(([name, bytes]) => ({ name, sizeBytes: bytes.length }))
  const headBytes = Buffer.from(JSON.stringify({ head, sections: names }))
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(headBytes.length)
  const pieces = [MAGIC, length, headBytes, ...Object.values(sections)]
  const sum = createHash('sha256')
  for (const piece of pieces) sum.update(piece)
  if (isOldGood) await keepAsBefore(path)
  const written = await writeWhole(path, piecewise([...pieces, sum.digest()]))
  await syncFolder(dirname(path))
  return written
}

/** @throws {DamagedFileError} when it is not what was written; what reading it throws, `ENOENT` among them. */
export async function readRecordFile(path: string): Promise<RecordFile> {
  const bytes = await readFile(path)
  const bodyEnd = bytes.length - SUM_BYTES
  const headStart = MAGIC.length + LENGTH_BYTES
  if (bodyEnd < headStart || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new DamagedFileError(path, 'it does not begin as such a file does')
  // Off this thread: some megabytes take longer than a request may wait.
  const sum = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes.subarray(0, bodyEnd)))
  if (!sum.equals(bytes.subarray(bodyEnd))) throw new DamagedFileError(path, 'its checksum is another')
  const headEnd = headStart + bytes.readUInt32BE(MAGIC.length)
  const { head, sections } = JSON.parse(bytes.toString('utf8', headStart, headEnd)) as {
    head: unknown
    sections: { name: string; sizeBytes: number }[]
  }
  let at = headEnd
  return {
    head,
    sections: new Map(sections.map((of) => [of.name, bytes.subarray(at, (at += of.sizeBytes))])),
  }
}

/** The newest whole one of the file and the one before it. Never throws. */
export async function readLastGood(path: string): Promise<LastGood> {
  const damage: Error[] = []
  for (const place of [path, beforeOf(path)]) {
    try {
      return { file: await readRecordFile(place), damage }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') damage.push(error as Error)
    }
  }
  return { file: null, damage }
}

/** By a second name for the same bytes, so that there is a file under `path` at every moment. */
async function keepAsBefore(path: string): Promise<void> {
  const temporary = `${beforeOf(path)}.tmp`
  await rm(temporary, { force: true })
  try {
    await link(path, temporary)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await rename(temporary, beforeOf(path))
}

async function* piecewise(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) if (piece.length > 0) yield piece
}
