/** Every file of an instance into the object store, and the list of them. What an earlier backup has is not read again. */
import { readdir, stat, statfs } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { eachInParallel } from '../../../../kit/bounded/parallel.ts'
import { AppError } from '../../../app/errors.ts'
import { ORDERS_FILE } from '../../../app/supervisor-link.ts'
import { DOCUMENT_FILES } from '../../../releases/index.ts'
import { diskFolder } from '../kept/backup-folder.ts'
import { listBackups, readManifest, type BackedUpFile, type Manifest } from '../kept/backup-manifest.ts'
import type { BackupInput, BackupSource } from './make-backup.ts'
import type { ObjectStore } from '../kept/object-store.ts'
import { readFileList } from '../kept/read-backup.ts'
import { sealedParts } from '../kept/sealed-parts.ts'

/** Of the data folder itself, all that a backup keeps: a restored instance bars, pauses and closes what this one did. */
export const INSTANCE_FILES: readonly string[] = [
  'secrets.json',
  'demo.state',
  'demo-passwords.json',
  ORDERS_FILE,
  ...DOCUMENT_FILES,
]
/** At once; more do not make a disk faster, and people are watching videos from it. */
const CONCURRENCY = 4
const TELL_EVERY = 50

export interface FilesInput extends BackupInput {
  readonly unfinished: string
  readonly objects: ObjectStore
  /** What lies outside of its place for now, or is not known by name. */
  readonly folders: readonly CopiedFolder[]
  /** Whether files that are never changed in their place may be hard links. */
  readonly mayLink: boolean
  /** Free space that a backup never takes: it may lie on the disk that takes uploads. */
  readonly reserveBytes: number
}

export interface CopiedFolder {
  readonly place: BackedUpFile['place']
  readonly path: string
  /** Of the names there. @default none */
  readonly prefix?: string
}

interface Candidate {
  readonly place: BackedUpFile['place']
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Backs up all files. @returns what the manifest says of them */
export async function backUpFiles(source: BackupSource, input: FilesInput): Promise<Manifest['files']> {
  const { onProgress, objects } = input
  const known = await readKnown(source, input)
  const done: BackedUpFile[] = []
  const sums = { totalBytes: 0, newCount: 0, newBytes: 0 }
  const tell = () => onProgress?.({ phase: 'files', done: done.length, total: null, bytes: sums.totalBytes })
  await eachInParallel(
    listCandidates(source, input.folders),
    { concurrency: CONCURRENCY, signal: input.signal },
    async (candidate, signal) => {
      const file = await backUpFile(candidate, known, { ...input, signal })
      if (!file) return
      const { isNew, ...line } = file
      done.push(line)
      sums.totalBytes += line.sizeBytes
      if (isNew) {
        sums.newCount++
        sums.newBytes += line.sizeBytes
      }
      if (done.length % TELL_EVERY === 0) tell()
    },
  )
  tell()
  const name = `files.jsonl${input.key ? '.sealed' : ''}`
  const stored = await sealedParts(input.key).write(join(input.unfinished, name), name, toLines(done))
  await objects.sync()
  return { file: name, ...stored, count: done.length, ...sums, areLinked: input.mayLink }
}

/** What the newest backup in this place has, by place and name. */
async function readKnown({ log }: BackupSource, input: FilesInput): Promise<Map<string, BackedUpFile>> {
  const known = new Map<string, BackedUpFile>()
  const newest = (await listBackups(input.place)).at(-1)
  if (newest === undefined) return known
  const folder = diskFolder(join(input.place, newest))
  try {
    const manifest = await readManifest(folder, input.key)
    // Sealed and plain objects have different names.
    if (manifest.keyId !== (input.key?.id ?? null)) return known
    for await (const file of readFileList(folder, manifest, input.key))
      known.set(`${file.place}/${file.name}`, file)
  } catch (error) {
    log.warn({ err: error, folder: folder.address }, 'backup.earlier-unreadable')
    known.clear()
  }
  return known
}

async function* listCandidates(
  source: BackupSource,
  folders: readonly CopiedFolder[],
): AsyncGenerator<Candidate> {
  const { blobs, config } = source
  for (const name of INSTANCE_FILES) {
    const found = await look('instance', name, join(config.dataDir, name))
    if (found) yield found
  }
  for (const { place, path, prefix = '' } of folders)
    for (const name of await listNames(path)) {
      const found = await look(place, prefix + name, join(path, name))
      if (found) yield found
    }
  for await (const { key, sizeBytes, modifiedAt } of blobs.list('')) {
    const path = blobs.localPath(key)
    if (path === null) throw new Error(`The blob ${key} is no local file, and only such are backed up.`)
    yield { place: 'blobs', name: key, path, sizeBytes, modifiedMs: modifiedAt.getTime() }
  }
}

async function listNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

async function look(place: Candidate['place'], name: string, path: string): Promise<Candidate | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return found && { place, name, path, sizeBytes: found.size, modifiedMs: found.mtimeMs }
}

/** Null when it is gone: then it had been given up before the snapshot, which does not name it. */
async function backUpFile(
  { place, name, path, sizeBytes, modifiedMs }: Candidate,
  known: ReadonlyMap<string, BackedUpFile>,
  { objects, mayLink, signal, place: target, reserveBytes }: FilesInput,
): Promise<(BackedUpFile & { isNew: boolean }) | null> {
  const before = known.get(`${place}/${name}`)
  const isSame = place === 'blobs' && before?.sizeBytes === sizeBytes && before.modifiedMs === modifiedMs
  if (before && isSame && (await objects.has(before.object))) return { ...before, isNew: false }
  if (!mayLink) await requireRoom(target, sizeBytes + reserveBytes)
  try {
    // Only blobs are never changed in their place.
    const stored = await objects.store(path, { mayLink: mayLink && place === 'blobs', signal })
    return {
      ...{ place, name, modifiedMs, isNew: stored.isNew },
      ...{ sizeBytes: stored.sizeBytes, sha256: stored.sha256, object: stored.object },
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && place === 'blobs') return null
    throw error
  }
}

/** @throws {AppError} backup-no-room */
async function requireRoom(target: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(target)
  if (bavail * bsize >= neededBytes) return
  throw new AppError('backup-no-room', {
    detail: `In ${target} ${bavail * bsize} bytes are free, and ${neededBytes} would have to be.`,
  })
}

async function* toLines(files: readonly BackedUpFile[]): AsyncGenerator<Uint8Array> {
  const LINES = 1_000
  for (let at = 0; at < files.length; at += LINES)
    yield Buffer.from(
      files
        .slice(at, at + LINES)
        .map((file) => `${JSON.stringify(file)}\n`)
        .join(''),
    )
}
