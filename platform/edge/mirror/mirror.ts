/**
 * The mirror: whole segments on disk, each under the SHA-256 of its bytes, and names that point to them.
 *
 *   objects/ab/abcdef….m4s            the bytes; written aside, checked, synced, renamed
 *   open/media/VIDEO/g1/v540/0.m4s    a name: a symbolic link to its object. nginx finds it by `try_files`
 *   tokened/media/VIDEO/…             the same for those who have a token
 *
 * Names of what everyone may see and of what needs a token are apart: that one asked with a token opens nothing to others.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readlink, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { basename, dirname, extname, join, relative } from 'node:path'
import { randomUUID } from 'node:crypto'
import { syncFolder } from '../../../kit/files/durable-file.ts'

export type Scope = 'open' | 'tokened'

/** What was fetched is not what its hash says. */
export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError'
  constructor(expected: string, actual: string) {
    super(`The bytes have SHA-256 ${actual}, and should have ${expected}.`)
  }
}

/** More came than a segment may have. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
  constructor(maxBytes: number) {
    super(`It is larger than ${maxBytes} bytes.`)
  }
}

export interface StoredObject {
  readonly sha256: string
  readonly path: string
  readonly sizeBytes: number
  readonly usedAtMs: number
}

export interface Mirror {
  readonly root: string
  /** The hash that a name points to; null: there is no such name. */
  hashOf(scope: Scope, path: string): Promise<string | null>
  /** Where the object lies; null: it does not, whatever names point to it. */
  find(sha256: string, path: string): Promise<{ objectPath: string; sizeBytes: number } | null>
  /**
   * Keeps bytes under their hash, and not at all when they have another.
   *
   * @param sha256 hex; null: whatever they have (a drill's way without digests).
   * @throws {DigestMismatchError} @throws {TooLargeError}
   */
  keep(path: string, source: AsyncIterable<Uint8Array>, sha256: string | null): Promise<string>
  /** Gives an object that is here a name; replaces what the name pointed to. */
  name(scope: Scope, path: string, sha256: string): Promise<void>
  /** How often names were taken away: a fetch that began before does not bring back what was purged. */
  readonly purgeCount: number
  /** Takes away the names of a video, or of one of its generations; the bytes go when no name is left. */
  purge(videoId: string, generation?: number): Promise<void>
  /** Takes away all names of a scope: each has to be asked for again, and no bytes. */
  purgeScope(scope: Scope): Promise<void>
  drop(sha256: string, extension: string): Promise<void>
  /** Some of what everyone may see, as it is asked for. */
  listNames(limit: number): Promise<string[]>
  listObjects(): AsyncGenerator<StoredObject>
  /** Whether its bytes still have its hash. */
  isSound(object: Pick<StoredObject, 'path' | 'sha256'>): Promise<boolean>
}

const HASH_PREFIX = 2
const FOLDER = { recursive: true, mode: 0o755 } as const
const ABANDONED_AFTER_MS = 3_600_000
/** Written in one piece, a file lies in the kernel's cache in large folios: sending it costs a tenth less than of 64 KiB each. */
const WRITE_BYTES = 1024 ** 2

/** Opens the mirror, and clears away what a crash has left half written. */
export async function openMirror(root: string, segmentMaxBytes: () => number): Promise<Mirror> {
  const objects = join(root, 'objects')
  const incoming = join(root, 'incoming')
  for (const folder of [root, objects, incoming, join(root, 'open'), join(root, 'tokened')])
    await mkdir(folder, FOLDER)
  await clearAbandoned(incoming)
  const objectPathOf = (sha256: string, extension: string) =>
    join(objects, sha256.slice(0, HASH_PREFIX), `${sha256}${extension}`)
  const namePathOf = (scope: Scope, path: string) => join(root, scope, path)
  let purgeCount = 0

  return {
    root,
    get purgeCount() {
      return purgeCount
    },
    async hashOf(scope, path) {
      const target = await readlink(namePathOf(scope, path)).catch(() => null)
      return target && basename(target, extname(target))
    },
    async find(sha256, path) {
      const objectPath = objectPathOf(sha256, extname(path))
      const found = await stat(objectPath).catch(() => null)
      return found && { objectPath, sizeBytes: found.size }
    },
    async keep(path, source, sha256) {
      const temporary = join(incoming, randomUUID())
      try {
        const actual = await writeHashed(temporary, source, segmentMaxBytes())
        if (sha256 !== null && actual !== sha256) throw new DigestMismatchError(sha256, actual)
        const objectPath = objectPathOf(actual, extname(path))
        await mkdir(dirname(objectPath), FOLDER)
        // nginx makes its validator of time and size: made of the hash, it is the same on every edge.
        await utimes(temporary, new Date(), Number.parseInt(actual.slice(0, 8), 16) >>> 1)
        await rename(temporary, objectPath)
        await syncFolder(dirname(objectPath))
        return actual
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
    async name(scope, path, sha256) {
      const named = namePathOf(scope, path)
      const target = relative(dirname(named), objectPathOf(sha256, extname(path)))
      const temporary = join(incoming, `${randomUUID()}.name`)
      await mkdir(dirname(named), FOLDER)
      await symlink(target, temporary)
      await rename(temporary, named)
    },
    async purge(videoId, generation) {
      purgeCount += 1
      const inside = generation === undefined ? [videoId] : [videoId, `g${generation}`]
      for (const scope of ['open', 'tokened'] as const)
        await vanish(incoming, join(root, scope, 'media', ...inside))
    },
    async purgeScope(scope) {
      purgeCount += 1
      await vanish(incoming, join(root, scope, 'media'))
    },
    drop: (sha256, extension) => rm(objectPathOf(sha256, extension), { force: true }),
    listNames: (limit) => listNames(join(root, 'open'), limit),
    listObjects: () => listObjects(objects),
    async isSound({ path, sha256 }) {
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
      return hash.digest('hex') === sha256
    },
  }
}

/** At once for whoever looks, and then in its own time: a folder of many names is not gone in one step. */
async function vanish(incoming: string, folder: string): Promise<void> {
  const aside = join(incoming, `${randomUUID()}.purged`)
  try {
    await rename(folder, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}

async function writeHashed(
  path: string,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o644)
  let [sizeBytes, waitingBytes] = [0, 0]
  let waiting: Uint8Array[] = []
  const write = async () => {
    await file.writeFile(Buffer.concat(waiting))
    waiting = []
    waitingBytes = 0
  }
  try {
    for await (const chunk of source) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > maxBytes) throw new TooLargeError(maxBytes)
      hash.update(chunk)
      waiting.push(chunk)
      waitingBytes += chunk.byteLength
      if (waitingBytes >= WRITE_BYTES) await write()
    }
    await write()
    await file.sync()
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

/** One of each video, as many as are wanted. */
async function listNames(open: string, limit: number): Promise<string[]> {
  const found: string[] = []
  const videos = await readdir(join(open, 'media')).catch(() => [])
  for (const video of videos) {
    if (found.length >= limit) break
    const inside = await readdir(join(open, 'media', video), { recursive: true }).catch(() => [])
    const first = inside.find((name) => extname(name) !== '')
    if (first !== undefined) found.push(`/media/${video}/${first}`)
  }
  return found
}

async function* listObjects(objects: string): AsyncGenerator<StoredObject> {
  for (const folder of await readdir(objects)) {
    for (const name of await readdir(join(objects, folder))) {
      const path = join(objects, folder, name)
      // Another may have dropped it meanwhile.
      const found = await stat(path).catch(() => null)
      if (!found) continue
      yield {
        sha256: basename(name, extname(name)),
        path,
        sizeBytes: found.size,
        usedAtMs: Math.max(found.atimeMs, found.ctimeMs),
      }
    }
  }
}

async function clearAbandoned(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name)
    const found = await stat(path).catch(() => null)
    // What is young may be the work of an agent that still runs.
    if (found && Date.now() - found.ctimeMs < ABANDONED_AFTER_MS && !name.endsWith('.purged')) continue
    await rm(path, { recursive: true, force: true })
  }
}
