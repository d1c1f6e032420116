/**
 * The file in which an upload's bytes gather, and beside it the hashes of its leaves and the index that was sent ahead.
 *
 * Three marks in it: what is visible (in its place and, where a checksum came along, verified), what is synced, and the
 * tail, which may be ahead of the visible while a checksum is awaited.
 */
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { createByteHashes, LEAF_BYTES, LEAF_HASH_BYTES, type ByteHashes } from './byte-hashes.ts'

const READ_BYTES = 1024 * 1024

/** Bytes that had been acknowledged are missing or changed. */
export class StagingDamagedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StagingDamagedError'
  }
}

export const stagingPathOf = (dir: string, uploadId: string) => join(dir, `${uploadId}.bytes`)
const leavesPathOf = (dir: string, uploadId: string) => join(dir, `${uploadId}.leaves`)
/** A second name of the bytes, which becomes the original's among the blobs while the encoder still reads by the first. */
export const handOverPathOf = (dir: string, uploadId: string) => join(dir, `${uploadId}.original`)
const indexPathOf = (dir: string, uploadId: string) => join(dir, `${uploadId}.index`)

export interface StagingFile extends AsyncDisposable {
  readonly path: string
  /** Bytes from the start that may be read and are never taken back. */
  visibleBytes(): number
  /**
   * Writes at the tail. When it fails, `rollback` removes what it left.
   *
   * @param options.isProvisional whether `rollback` may be asked for after it has succeeded too.
   */
  append(buffers: readonly Buffer[], options: { readonly isProvisional: boolean }): Promise<void>
  /** Makes everything up to the tail visible. */
  commit(): void
  /** Cuts the file back to what is visible. */
  rollback(): Promise<void>
  /** When the promise settles, what was visible at the call survives a power cut. */
  sync(): Promise<void>
  /** Hashes over what is visible; the tail must not be ahead. */
  digest(): { readonly sha256: Buffer; readonly leaves: readonly Buffer[] }
  read(start: number, length: number): Promise<Buffer>
}

/**
 * Opens or makes the file with its first `receivedBytes` bytes; what lies behind them was never acknowledged and is cut
 * off. Reads them once, to check them against their leaves.
 *
 * @throws {StagingDamagedError} when they are not all there as they were.
 */
export async function openStagingFile(
  dir: string,
  uploadId: string,
  receivedBytes: number,
): Promise<StagingFile> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const path = stagingPathOf(dir, uploadId)
  const flags = receivedBytes === 0 ? 'a+' : 'r+'
  // 'a+' only makes the file: Linux would append whatever the position.
  if (receivedBytes === 0) await (await open(path, flags)).close()
  await using stack = new AsyncDisposableStack()
  const bytes = stack.use(await openExisting(path))
  const leaves = stack.use(await open(leavesPathOf(dir, uploadId), receivedBytes === 0 ? 'w' : 'r+'))
  const hashes = await readBack(bytes, leaves, receivedBytes)
  if (receivedBytes === 0) await syncFolder(dir)
  const owned = stack.move()
  return manage({ path, bytes, leaves, hashes, receivedBytes, close: () => owned.disposeAsync() })
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new StagingDamagedError('The file that had gathered the bytes is gone.')
  }
}

async function readBack(bytes: FileHandle, leaves: FileHandle, receivedBytes: number): Promise<ByteHashes> {
  const { size } = await bytes.stat()
  if (size < receivedBytes)
    throw new StagingDamagedError(`Of ${receivedBytes} acknowledged bytes ${size} are there.`)
  await bytes.truncate(receivedBytes)
  const hashes = createByteHashes()
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (let at = 0; at < receivedBytes;) {
    const { bytesRead } = await bytes.read(buffer, 0, Math.min(READ_BYTES, receivedBytes - at), at)
    hashes.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  const expected = Buffer.alloc(hashes.leaves().length * LEAF_HASH_BYTES)
  const { bytesRead } = await leaves.read(expected, 0, expected.length, 0)
  const damaged = hashes
    .leaves()
    .findIndex((leaf, i) => !leaf.equals(expected.subarray(i * LEAF_HASH_BYTES, (i + 1) * LEAF_HASH_BYTES)))
  if (bytesRead < expected.length || damaged >= 0)
    throw new StagingDamagedError(
      `The bytes from ${Math.max(0, damaged) * LEAF_BYTES} on are not as they came.`,
    )
  return hashes
}

function manage(file: {
  path: string
  bytes: FileHandle
  leaves: FileHandle
  hashes: ByteHashes
  receivedBytes: number
  close(): Promise<void>
}): StagingFile {
  const { path, bytes, leaves } = file
  let visible = file.receivedBytes
  let tail = visible
  let hashes = file.hashes
  /** As of what is visible, while the tail is ahead. */
  let visibleHashes: ByteHashes | null = null
  let leavesWritten = hashes.leaves().length

  return {
    path,
    visibleBytes: () => visible,
    async append(buffers, { isProvisional }) {
      if (isProvisional) visibleHashes ??= hashes.fork()
      let at = tail
      for (let rest = buffers; rest.length > 0;) {
        const { bytesWritten } = await bytes.writev(rest, at)
        at += bytesWritten
        rest = dropBytes(rest, bytesWritten)
      }
      for (const buffer of buffers) hashes.update(buffer)
      tail = at
    },
    commit() {
      visible = tail
      visibleHashes = null
    },
    async rollback() {
      hashes = visibleHashes ?? hashes
      visibleHashes = null
      tail = visible
      await bytes.truncate(visible)
    },
    async sync() {
      const full = (visibleHashes ?? hashes).leaves()
      if (full.length > leavesWritten) {
        await leaves.write(Buffer.concat(full.slice(leavesWritten)), 0, null, leavesWritten * LEAF_HASH_BYTES)
        await leaves.datasync()
        leavesWritten = full.length
      }
      await bytes.datasync()
    },
    digest: () => hashes.digest(),
    async read(start, length) {
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await bytes.read(buffer, 0, length, start)
      return buffer.subarray(0, bytesRead)
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}

/** What is left of the buffers after their first `count` bytes. */
function dropBytes(buffers: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count
  for (const [i, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(i + 1)]
    left -= buffer.length
  }
  return []
}

/** Keeps the index that was sent ahead; whole or not at all, and synced. */
export async function writeStagedIndex(dir: string, uploadId: string, index: Uint8Array): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const path = indexPathOf(dir, uploadId)
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(index)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dir)
}

/** The index that was sent ahead; null: none was. */
export async function readStagedIndex(dir: string, uploadId: string): Promise<Buffer | null> {
  try {
    return await readFile(indexPathOf(dir, uploadId))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Removes everything staged of an upload. Removing what is not there is no error. */
export async function removeStaged(dir: string, uploadId: string): Promise<void> {
  for (const pathOf of [stagingPathOf, leavesPathOf, handOverPathOf, indexPathOf])
    await rm(pathOf(dir, uploadId), { force: true })
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
