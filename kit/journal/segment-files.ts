/** Segments as files: made, listed, recovered after a death. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncFolder, writeWhole } from '../files/durable-file.ts'
import {
  encodeHeader,
  HEADER_BYTES,
  readHeaderState,
  SALT_BYTES,
  scanSegment,
  type Damage,
  type SegmentId,
} from './segment-format.ts'

/** What was found wrong with what an earlier process left. */
export type JournalTrouble =
  /** The end of a record that was never acknowledged; cut off. */
  | { readonly kind: 'torn'; readonly path: string; readonly sizeBytes: number }
  /** Bytes that may have been acknowledged records, copied to `asidePath`; `missing` records by their sequences, null: unknown. */
  | {
      readonly kind: 'bad'
      readonly path: string
      readonly sizeBytes: number
      readonly asidePath: string
      readonly missing: number | null
    }
  /** Written by a newer version; moved to `asidePath` whole. */
  | { readonly kind: 'newer'; readonly path: string; readonly asidePath: string }

export interface Segment extends SegmentId {
  readonly path: string
  /** Up to where it is durable. */
  sizeBytes: number
  /** Of its last record; below `firstSequence` while it has none. */
  lastSequence: number
}

/** One that is written. */
export interface ActiveSegment {
  readonly segment: Segment
  readonly file: FileHandle
}

const FILE_NAME = /^(\d{16})-([0-9a-f]{16})\.segment$/

const nameOf = ({ firstSequence, salt }: SegmentId): string =>
  `${String(firstSequence).padStart(16, '0')}-${salt.toString('hex')}.segment`

/** Makes a segment whose name and header are durable. Leaves nothing when it fails. */
export async function createSegment(folder: string, firstSequence: number): Promise<ActiveSegment> {
  const id = { firstSequence, salt: randomBytes(SALT_BYTES) }
  const path = join(folder, nameOf(id))
  const file = await open(path, 'ax', 0o600)
  try {
    await appendAll(file, encodeHeader(id))
    await file.sync()
    await syncFolder(folder)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(path, { force: true }).catch(() => {})
    throw error
  }
  const segment = { ...id, path, sizeBytes: HEADER_BYTES, lastSequence: firstSequence - 1 }
  return { segment, file }
}

/** Appends all of the bytes: one `write` may take fewer. */
export async function appendAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}

/** The segments in a folder, in their order, by their names alone. */
export async function listSegments(folder: string): Promise<(SegmentId & { path: string })[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort()
  return names.map((name) => {
    const [, first, salt] = FILE_NAME.exec(name)!
    return { path: join(folder, name), firstSequence: Number(first), salt: Buffer.from(salt!, 'hex') }
  })
}

/** The bytes of a segment that are durable. */
export async function readSegment(segment: Segment): Promise<Buffer> {
  const bytes = await readFile(segment.path)
  return bytes.subarray(0, segment.sizeBytes)
}

export interface Recovered {
  readonly segment: Segment
  readonly sequences: readonly number[]
}

/**
 * Reads a segment that a dead process left: cuts off what is no record at its end, and keeps bad bytes aside before.
 *
 * @returns null when it was written by a newer version; it is moved aside then.
 */
export async function recoverSegment(
  id: SegmentId & { readonly path: string },
  asideFolder: string,
  onTrouble: (trouble: JournalTrouble) => void,
): Promise<Recovered | null> {
  const { path } = id
  const bytes = await readFile(path)
  const header = readHeaderState(bytes)
  if (header === 'newer') {
    await mkdir(asideFolder, { recursive: true, mode: 0o700 })
    const asidePath = join(asideFolder, basename(path))
    await rename(path, asidePath)
    onTrouble({ kind: 'newer', path, asidePath })
    return null
  }
  const sequences: number[] = []
  const damages: (Damage & { missing: number | null })[] = []
  let open: (Damage & { missing: number | null }) | null = null
  for (const found of scanSegment(bytes, id.salt)) {
    if (found.kind === 'damage') {
      open = { ...found, missing: null }
      damages.push(open)
      continue
    }
    const before = sequences.at(-1)
    if (open && before !== undefined) open.missing = found.sequence - before - 1
    open = null
    sequences.push(found.sequence)
  }
  // A header without records tells of a death right after the file was made.
  if (header === 'damaged' && sequences.length > 0)
    damages.unshift({ kind: 'damage', start: 0, end: HEADER_BYTES, how: 'bad', missing: 0 })
  for (const damage of damages) await keepAside(path, bytes, damage, asideFolder, onTrouble)

  const last = damages.at(-1)
  const isTailBad = last !== undefined && last.end === bytes.length && last.start > 0
  const sizeBytes = isTailBad ? last.start : bytes.length
  if (isTailBad) await cut(path, sizeBytes)
  const lastSequence = sequences.at(-1) ?? id.firstSequence - 1
  return { segment: { ...id, sizeBytes, lastSequence }, sequences }
}

async function keepAside(
  path: string,
  bytes: Buffer,
  { start, end, how, missing }: Damage & { readonly missing: number | null },
  asideFolder: string,
  onTrouble: (trouble: JournalTrouble) => void,
): Promise<void> {
  const sizeBytes = end - start
  if (how === 'torn') return onTrouble({ kind: 'torn', path, sizeBytes })
  const asidePath = join(asideFolder, `${basename(path)}.${start}-${end}.bad`)
  await writeWhole(asidePath, bytes.subarray(start, end))
  onTrouble({ kind: 'bad', path, sizeBytes, asidePath, missing })
}

async function cut(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
