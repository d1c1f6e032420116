/** Blobs on the local disk: temporary file, fsync, rename, fsync of the folder. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, opendir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { findWriteRefusal } from '../../../kit/files/write-refusal.ts'
import type { Blobs, StoredBlob } from './blobs.ts'

const KEY = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*(?:\/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$/

/** Opens (and makes) a blob folder. No other user of the machine may look into it: originals and private videos lie there. */
export async function openDiskBlobs(root: string): Promise<Blobs> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  // One that was there before; whoever mounts a disk of somebody else's sees to it themselves.
  await chmod(root, 0o700).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM' && error.code !== 'EROFS' && error.code !== 'ENOTSUP') throw error
  })
  return { ...readingFrom(root), ...writingTo(root) }
}

type Writing = Pick<Blobs, 'put' | 'putFile' | 'delete' | 'deletePrefix'>

function readingFrom(root: string): Omit<Blobs, keyof Writing> {
  return {
    async stat(key) {
      try {
        const s = await stat(pathOf(root, key))
        return s.isFile() ? { key, sizeBytes: s.size, modifiedAt: s.mtime } : null
      } catch (error) {
        return nullWhenMissing(error)
      }
    },
    async read(key, range) {
      const file = await open(pathOf(root, key), 'r')
      return file.createReadStream(range)
    },
    async readAll(key) {
      try {
        return await readFile(pathOf(root, key))
      } catch (error) {
        return nullWhenMissing(error)
      }
    },
    list: (prefix) => walk(root, prefix),
    localPath: (key) => pathOf(root, key),
    async freeBytes() {
      const s = await statfs(root)
      return s.bavail * s.bsize
    },
    findRefusal: () => findWriteRefusal(root),
  }
}

function writingTo(root: string): Writing {
  async function put(key: string, source: Uint8Array | AsyncIterable<Uint8Array>) {
    const target = pathOf(root, key)
    const temporary = `${target}.${randomUUID()}.tmp`
    await mkdir(dirname(temporary), { recursive: true })
    try {
      const written = await writeSynced(temporary, source)
      await moveIntoPlace(temporary, target)
      return written
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  return {
    put,
    async putFile(key, path, known) {
      const described = known ?? (await hashAndSync(path))
      try {
        await moveIntoPlace(path, pathOf(root, key))
        return described
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
        const written = await put(key, createReadStream(path))
        await rm(path, { force: true })
        return written
      }
    },
    delete: (key) => rm(pathOf(root, key), { force: true }),
    deletePrefix: (prefix) => rm(pathOf(root, prefix.replace(/\/$/, '')), { recursive: true, force: true }),
  }
}

function pathOf(root: string, key: string): string {
  if (!KEY.test(key)) throw new RangeError(`"${key}" is no blob key.`)
  return join(root, ...key.split('/'))
}

async function moveIntoPlace(temporary: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await rename(temporary, target)
  await syncFolder(dirname(target))
}

async function writeSynced(path: string, source: Uint8Array | AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const file = await open(path, 'wx', 0o644)
  try {
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      hash.update(chunk)
      await file.writeFile(chunk)
      sizeBytes += chunk.byteLength
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

async function hashAndSync(path: string) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const file = await open(path, 'r+')
  try {
    await file.sync()
    return { sizeBytes: (await file.stat()).size, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function* walk(root: string, prefix: string): AsyncGenerator<StoredBlob> {
  const start = join(root, ...prefix.split('/').filter(Boolean))
  let folder
  try {
    folder = await opendir(start, { recursive: true })
  } catch (error) {
    nullWhenMissing(error)
    return
  }
  for await (const entry of folder) {
    if (!entry.isFile() || entry.name.endsWith('.tmp')) continue
    const path = join(entry.parentPath, entry.name)
    const s = await stat(path).catch(nullWhenMissing)
    if (s)
      yield {
        key: path
          .slice(root.length + 1)
          .split(sep)
          .join('/'),
        sizeBytes: s.size,
        modifiedAt: s.mtime,
      }
  }
}

function nullWhenMissing(error: unknown): null {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return null
  throw error
}
