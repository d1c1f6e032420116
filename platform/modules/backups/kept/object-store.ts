/**
 * The contents of backed-up files, each once, under the hash of what is in it: a file that did not change since an earlier
 * backup costs the next one nothing. Under a key the names are keyed, too, and tell nothing of the contents.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeSynced } from '../../../../kit/files/durable-file.ts'
import { seal, unseal } from '../../../../kit/files/sealed-stream.ts'
import { AppError } from '../../../app/errors.ts'
import type { BackupKey } from './key-file.ts'

const READ_BYTES = 1024 * 1024
const PURPOSE = 'object'
/** Errors of a file system that can't link here, or not this file. */
const UNLINKABLE = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES'])

export interface StoredObject {
  readonly object: string
  readonly sha256: string
  readonly sizeBytes: number
  /** Whether it was not there before. */
  readonly isNew: boolean
  readonly isLinked: boolean
}

export interface ObjectStore {
  has(object: string): Promise<boolean>
  /** Stores the file. @param mayLink whether it is never written to in its place, so that a hard link is a copy */
  store(path: string, options: { mayLink: boolean; signal: AbortSignal }): Promise<StoredObject>
  /** See `readObject`. */
  read(file: ObjectToRead): AsyncIterable<Uint8Array>
  /** The path of what lies there as it is; null under a key. */
  plainPath(object: string): string | null
  list(): AsyncIterable<string>
  remove(object: string): Promise<void>
  /** Makes the names of everything stored so far survive a power cut. */
  sync(): Promise<void>
}

export async function openObjectStore(root: string, key: BackupKey | null): Promise<ObjectStore> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = openFolder(root)
  const nameOf = (sha256: string) =>
    key
      ? createHmac('sha256', key.bytes).update('upbeat backup object\0').update(sha256).digest('hex')
      : sha256
  const sealing = key ? (source: AsyncIterable<Uint8Array>) => seal(source, key.bytes, PURPOSE) : null
  return {
    has: folder.has,
    plainPath: (object) => (key ? null : folder.pathOf(object)),
    async store(path, { mayLink, signal }) {
      const linked = mayLink && !key ? await linkInto(folder, path, signal) : null
      return linked ?? copyInto(folder, path, { seal: sealing, nameOf, signal })
    },
    read: (file) =>
      readObject(createReadStream(folder.pathOf(file.object), { highWaterMark: READ_BYTES }), file, key),
    async *list() {
      for await (const entry of await opendir(root, { recursive: true }))
        if (entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name)) yield entry.name
    },
    remove: (object) => rm(folder.pathOf(object), { force: true }),
    sync: folder.sync,
  }
}

interface ObjectFolder {
  has(object: string): Promise<boolean>
  pathOf(object: string): string
  /** For what has no name yet. */
  temporaryPath(): string
  /** True when it is a new object; what lies there under the name already has the same contents. */
  keep(object: string, put: (path: string) => Promise<void>): Promise<boolean>
  sync(): Promise<void>
}

function openFolder(root: string): ObjectFolder {
  const touched = new Set<string>()
  const pathOf = (object: string) => join(root, objectPath(object))
  const has = (object: string) =>
    stat(pathOf(object)).then(
      (found) => found.isFile(),
      () => false,
    )
  return {
    has,
    pathOf,
    temporaryPath: () => join(root, `${randomUUID()}.tmp`),
    async keep(object, put) {
      if (await has(object)) return false
      const parent = dirname(pathOf(object))
      await mkdir(parent, { recursive: true, mode: 0o700 })
      await put(pathOf(object))
      touched.add(parent)
      return true
    },
    async sync() {
      for (const each of touched) await syncFolder(each)
      await syncFolder(root)
      touched.clear()
    },
  }
}

interface CopyOptions {
  /** Null: it is kept as it is. */
  readonly seal: ((source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) | null
  readonly nameOf: (sha256: string) => string
  readonly signal: AbortSignal
}

async function copyInto(folder: ObjectFolder, path: string, options: CopyOptions): Promise<StoredObject> {
  const { signal } = options
  const temporary = folder.temporaryPath()
  const measure = createMeasure()
  const source = measure.pass(createReadStream(path, { highWaterMark: READ_BYTES, signal }))
  try {
    await writeSynced(temporary, options.seal ? options.seal(source) : source)
    const { sha256, sizeBytes } = measure.result()
    const object = options.nameOf(sha256)
    const isNew = await folder.keep(object, (target) => rename(temporary, target))
    return { object, sha256, sizeBytes, isNew, isLinked: false }
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Without a key. Null when the file can't be linked, or was replaced while it was read. */
async function linkInto(
  folder: ObjectFolder,
  path: string,
  signal: AbortSignal,
): Promise<StoredObject | null> {
  const file = await open(path, 'r')
  try {
    const measure = createMeasure()
    const reading = file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false, signal })
    for await (const _ of measure.pass(reading));
    const { sha256, sizeBytes } = measure.result()
    const { ino } = await file.stat()
    let isLinked = true
    const isNew = await folder.keep(sha256, async (target) => {
      isLinked = await linkSame(path, { ino, temporary: folder.temporaryPath(), target })
    })
    return isLinked ? { object: sha256, sha256, sizeBytes, isNew, isLinked } : null
  } finally {
    await file.close()
  }
}

/** False when it can't be linked, or is another file than the one that was read. */
async function linkSame(
  path: string,
  { ino, temporary, target }: { readonly ino: number; readonly temporary: string; readonly target: string },
): Promise<boolean> {
  try {
    await link(path, temporary)
    // Another file may have taken the name since: then these are not the bytes that were read.
    const isSame = (await stat(temporary)).ino === ino
    if (isSame) await rename(temporary, target)
    return isSame
  } catch (error) {
    if (!UNLINKABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return false
  } finally {
    await rm(temporary, { force: true })
  }
}

export interface ObjectToRead {
  readonly object: string
  readonly sha256: string
  /** Of the file that it was. */
  readonly name: string
}

/** Where an object lies among the objects. */
export const objectPath = (object: string): string => `${object.slice(0, 2)}/${object}`

/** What is in it, checked: the last byte comes only when all were right. @throws {AppError} backup-damaged */
export async function* readObject(
  stored: AsyncIterable<Uint8Array>,
  { object, sha256, name }: ObjectToRead,
  key: BackupKey | null,
): AsyncGenerator<Uint8Array> {
  const measure = createMeasure()
  let held: Uint8Array | null = null
  try {
    for await (const piece of measure.pass(key ? unseal(stored, key.bytes, PURPOSE) : stored)) {
      if (held) yield held
      held = piece
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('backup-damaged', { detail: `${name} (object ${object}) can't be read back.`, cause })
  }
  if (measure.result().sha256 !== sha256)
    throw new AppError('backup-damaged', { detail: `${name} (object ${object}) is not as it was stored.` })
  if (held) yield held
}

/** Counts and hashes what passes. */
function createMeasure() {
  const hash = createHash('sha256')
  let sizeBytes = 0
  return {
    async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of source) {
        hash.update(piece)
        sizeBytes += piece.byteLength
        yield piece
      }
    },
    result: () => ({ sha256: hash.digest('hex'), sizeBytes }),
  }
}
