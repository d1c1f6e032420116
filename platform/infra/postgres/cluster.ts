/** The cluster on disk: made once, and what stands beside it (password, port). */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findFreePort, isPortFree } from '../../../kit/network/free-port.ts'
import type { Binaries } from './binaries.ts'
import type { SystemUser } from '../system-users.ts'

/** The superuser and the database, both. */
export const NAME = 'upbeat'

/** The server could not be started; the message carries its own last words. */
export class PostgresStartError extends Error {}

export interface Cluster {
  /** PGDATA, without links in its path. */
  readonly dir: string
  readonly password: string
}

export interface ClusterPaths {
  readonly home: string
  readonly cluster: string
  readonly password: string
  readonly port: string
  readonly log: string
}

export function clusterPaths(home: string): ClusterPaths {
  return {
    home,
    cluster: join(home, 'cluster'),
    password: join(home, 'password'),
    port: join(home, 'port'),
    log: join(home, 'server.log'),
  }
}

/**
 * Makes the cluster on the first call: UTF-8, the built-in C.UTF-8 collation (the same on every machine), checksums on.
 * It appears under its name only when it is complete, so a death meanwhile costs nothing.
 *
 * @throws when its files belong to another major version, or when its password is lost.
 */
export async function ensureCluster(options: {
  paths: ClusterPaths
  binaries: Binaries
  user: SystemUser | null
}): Promise<Cluster> {
  const { paths, binaries, user } = options
  const version = await readText(join(paths.cluster, 'PG_VERSION'))
  if (version === null) await makeCluster(options)
  else if (Number(version) !== binaries.majorVersion)
    throw new Error(
      `${paths.cluster} was written by PostgreSQL ${version}, and this Upbeat brings ${binaries.majorVersion}. ` +
        'Start the Upbeat that wrote it, make a backup, and restore it here.',
    )
  const password = await readText(paths.password)
  if (!password)
    throw new Error(
      `${paths.password}, the database's password, is missing. Restore this file from a backup: the data needs it.`,
    )
  if (user) await chown(paths.cluster, user.uid, user.gid)
  return { dir: await realpath(paths.cluster), password }
}

async function makeCluster(options: {
  paths: ClusterPaths
  binaries: Binaries
  user: SystemUser | null
}): Promise<void> {
  const { paths, binaries, user } = options
  const unfinished = `${paths.cluster}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  if (user) await chown(unfinished, user.uid, user.gid)

  const password = (await readText(paths.password)) ?? randomBytes(24).toString('base64url')
  await writePrivately(paths.password, password)
  // initdb takes it from a file that its own user can read; ours is readable by us only.
  const passwordCopy = join(paths.home, 'initdb-password')
  await writePrivately(passwordCopy, password)
  try {
    if (user) await chown(passwordCopy, user.uid, user.gid)
    const args = [
      ...['-D', unfinished, '-U', NAME, '--encoding=UTF8', '--no-instructions'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      ...['--auth=scram-sha-256', `--pwfile=${passwordCopy}`],
    ]
    await runInitdb({ program: binaries.initdb, args, cwd: unfinished, user })
  } finally {
    await rm(passwordCopy, { force: true })
  }
  await rename(unfinished, paths.cluster)
}

async function runInitdb(options: {
  program: string
  args: string[]
  cwd: string
  user: SystemUser | null
}): Promise<void> {
  const { program, args, cwd, user } = options
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    ...(user && { uid: user.uid, gid: user.gid }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text))
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal))
  })
  if (code !== 0) throw new PostgresStartError(explainInitdb(dirname(cwd), code, output.trim()))
}

/** Why there is no database yet, and what to do where that is known. */
export function explainInitdb(folder: string, code: number | string | null, output: string): string {
  if (output.includes('No space left on device'))
    return `There is no room for the database in ${folder}. Free 300 MiB there, or name another folder: ./up --data DIR`
  return `PostgreSQL could not make its files in ${folder} (initdb ended with ${code}):\n${output}`
}

/**
 * The port that the server listens on: the one asked for; else the one of the last time while it is free; else a free
 * one, which is kept for the next time.
 */
export async function choosePort(paths: ClusterPaths, wanted: number | undefined): Promise<number> {
  if (wanted) return wanted
  const kept = Number(await readText(paths.port))
  const port = kept && (await isPortFree(kept)) ? kept : await findFreePort()
  if (port !== kept) await writePrivately(paths.port, String(port))
  return port
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function writePrivately(path: string, text: string): Promise<void> {
  const temporary = `${path}.unfinished`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

const LOG_MAX_BYTES = 10_000_000

/** Opens the server's log to append to; a large one is put aside first, so two are kept at most. */
export async function openServerLog(path: string) {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_MAX_BYTES) await rename(path, `${path}.1`)
  return open(path, 'a', 0o600)
}

/** The last lines that the server wrote, to explain why it ended. */
export async function readServerLogEnd(path: string, lines = 12): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}
