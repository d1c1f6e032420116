/**
 * Evidence of a breach, frozen: copies of what tells what happened, in one folder that nobody writes to again, with a
 * manifest of SHA-256 over each and a seal over the manifest, to be noted where an intruder can't reach.
 *
 * Secrets are in it by their hashes alone: whoever investigates needs to know whether they changed, not what they are.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { syncFolder } from '../../../kit/files/durable-file.ts'

/** Of the data folder: what was logged, ordered, kept and revoked. Folders with all that is in them. */
const COPIED = [
  'logs',
  'run',
  'journal',
  'standby/revoked-lately',
  'standby/revoked-sessions',
  'orders.json',
  'backups.json',
  'watch',
]
/** Of these the hash alone. */
const HASHED = ['secrets.json', 'demo-passwords.json']
/** Sockets and the like are no evidence, and can't be copied. */
const isPlain = async (path: string) => {
  const found = await stat(path)
  return found.isFile() || found.isDirectory()
}
const READ_ONLY_FILE = 0o400

export interface EvidenceSource {
  readonly dataDir: string
  /** The program's own folder: whether it was tampered with. */
  readonly programDir: string
  readonly at: Date
  /** Of the database; null: it is away. */
  readonly sessions: readonly object[] | null
  readonly reason: string
}

export interface FrozenEvidence {
  readonly folder: string
  readonly fileCount: number
  readonly sizeBytes: number
  /** SHA-256 of the manifest: whoever has it can tell whether anything was changed since. */
  readonly seal: string
  /** What could not be had, and why. */
  readonly missing: readonly string[]
}

interface ManifestEntry {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/**
 * Freezes it under `DATA_DIR/evidence/`. Needs neither database nor any process; says what is missing without them.
 *
 * @throws when the disk does not take it; then nothing is left of it
 */
export async function freezeEvidence(source: EvidenceSource): Promise<FrozenEvidence> {
  const name = source.at.toISOString().replaceAll(':', '-').replace(/\.\d+/, '')
  const folder = join(source.dataDir, 'evidence', name)
  const temporary = `${folder}.unfinished`
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  try {
    const missing = await gather(source, temporary)
    const entries = await listFiles(temporary)
    const manifest = JSON.stringify(
      { at: source.at.toISOString(), reason: source.reason, missing, files: entries },
      null,
      1,
    )
    await writeFile(join(temporary, 'manifest.json'), manifest)
    const seal = createHash('sha256').update(manifest).digest('hex')
    await makeReadOnly(temporary)
    await rename(temporary, folder)
    await syncFolder(dirname(folder))
    const sizeBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
    return { folder, fileCount: entries.length, sizeBytes, seal, missing }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}

async function gather(source: EvidenceSource, folder: string): Promise<string[]> {
  const missing: string[] = []
  for (const name of COPIED) {
    const from = join(source.dataDir, name)
    const to = join(folder, 'data', name)
    const isThere = await stat(from).then(
      () => true,
      () => false,
    )
    if (!isThere) continue
    await mkdir(dirname(to), { recursive: true })
    try {
      if ((await stat(from)).isDirectory())
        await cp(from, to, { recursive: true, preserveTimestamps: true, filter: isPlain })
      else await copyFile(from, to)
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message}`)
    }
  }
  await writeLines(join(folder, 'secrets.jsonl'), await hashEach(source.dataDir, HASHED))
  await writeLines(
    join(folder, 'program.jsonl'),
    await hashEach(source.programDir, await listProgram(source.programDir)),
  )
  await writeLines(join(folder, 'data-folder.jsonl'), await listDataFolder(source.dataDir))
  if (source.sessions) await writeLines(join(folder, 'sessions.jsonl'), source.sessions)
  else missing.push('sessions: the database is away')
  missing.push(
    'logs on standard error: whoever runs Upbeat (systemd, a container) keeps those; export them beside this',
  )
  return missing
}

const writeLines = (path: string, lines: readonly object[]) =>
  writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

/** Of files that are there. */
async function hashEach(root: string, names: readonly string[]): Promise<ManifestEntry[]> {
  const found: ManifestEntry[] = []
  for (const name of names) {
    const size = await stat(join(root, name)).then(
      (one) => one.size,
      () => null,
    )
    if (size !== null) found.push({ path: name, sizeBytes: size, sha256: await hashFile(join(root, name)) })
  }
  return found
}

/** What runs: our own sources and the list of packages with their hashes. */
async function listProgram(programDir: string): Promise<string[]> {
  const roots = ['contract', 'engines', 'kit', 'platform', 'watch', 'cli', 'web/build']
  const files: string[] = ['package.json', 'package-lock.json', 'up']
  for (const root of roots)
    for (const entry of await readdir(join(programDir, root), { recursive: true, withFileTypes: true }).catch(
      () => [],
    ))
      if (entry.isFile()) files.push(relative(programDir, join(entry.parentPath, entry.name)))
  return files.toSorted()
}

/** Names, sizes and times of all that lies there but media and the database's own files: what was put there, and when. */
async function listDataFolder(dataDir: string): Promise<object[]> {
  const lines: object[] = []
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (['blobs', 'postgres', 'staging', 'evidence', 'backups'].includes(entry.name)) continue
    const names = entry.isDirectory()
      ? (await readdir(join(dataDir, entry.name), { recursive: true })).map((name) => join(entry.name, name))
      : [entry.name]
    for (const name of names) {
      const found = await stat(join(dataDir, name)).catch(() => null)
      if (found?.isFile())
        lines.push({
          path: name,
          sizeBytes: found.size,
          mode: found.mode.toString(8),
          changedAt: found.mtime.toISOString(),
        })
    }
  }
  return lines
}

async function listFiles(folder: string): Promise<ManifestEntry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  return hashEach(folder, names.toSorted())
}

async function hashFile(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const piece of createReadStream(path)) digest.update(piece as Buffer)
  return digest.digest('hex')
}

async function makeReadOnly(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), READ_ONLY_FILE)
}

/** What differs from the manifest, by path; empty: all is as it was frozen. @throws when there is no manifest */
export async function findTampering(folder: string, seal: string): Promise<string[]> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8')
  const isSealed = createHash('sha256').update(text).digest('hex') === seal
  const { files } = JSON.parse(text) as { files: ManifestEntry[] }
  const now = new Map((await listFiles(folder)).map((entry) => [entry.path, entry.sha256]))
  now.delete('manifest.json')
  const changed = files.filter(({ path, sha256 }) => now.get(path) !== sha256).map(({ path }) => path)
  const added = [...now.keys()].filter((path) => !files.some((entry) => entry.path === path))
  return [...(isSealed ? [] : ['manifest.json']), ...changed, ...added]
}
