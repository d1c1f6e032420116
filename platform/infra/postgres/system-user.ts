/** The system user that PostgreSQL runs as when we are root: PostgreSQL refuses to run as root. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, parse } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL can't work where the data folder lies: its user may not enter one of the folders above. */
export class FolderBlockedError extends Error {}

const FIRST_CHOICE = 'postgres'
const OUR_OWN = 'upbeat'

/**
 * The user to run PostgreSQL as: null when we are not root (it runs as ourselves); the owner of a cluster that exists;
 * else `postgres`, else `upbeat`, which is made when missing.
 */
export async function chooseSystemUser(clusterDir: string): Promise<SystemUser | null> {
  if (process.getuid?.() !== 0) return null
  const owner = await stat(clusterDir).catch(() => null)
  if (owner && owner.uid !== 0) return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  return (await findUser(FIRST_CHOICE)) ?? (await findUser(OUR_OWN)) ?? createUser(OUR_OWN)
}

async function findUser(name: string): Promise<SystemUser | null> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [entry, , uid, gid] = line.split(':')
    if (entry === name) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return null
}

async function createUser(name: string): Promise<SystemUser> {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name]],
    ['adduser', ['-S', '-D', '-H', name]],
  ]
  const failures: unknown[] = []
  for (const [program, args] of attempts) {
    try {
      await run(program, args, { timeout: 10_000 })
      const user = await findUser(name)
      if (user) return user
    } catch (error) {
      failures.push(error)
    }
  }
  throw new Error(
    `PostgreSQL may not run as root, and the system user "${name}" could not be made. ` +
      `Make it yourself (useradd --system ${name}) and start again, or start Upbeat as an ordinary user.`,
    { cause: new AggregateError(failures) },
  )
}

/** The topmost folder on the way to `path` (itself included) that the user may not enter; null when there is none. */
export async function findBlockingFolder(path: string, user: SystemUser): Promise<string | null> {
  const folders = [path]
  while (folders[0] && folders[0] !== parse(path).root) folders.unshift(dirname(folders[0]))
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder)
    const mayEnter =
      uid === user.uid
        ? mode & constants.S_IXUSR
        : gid === user.gid
          ? mode & constants.S_IXGRP
          : mode & constants.S_IXOTH
    if (!mayEnter) return folder
  }
  return null
}

/**
 * Makes sure that the user may enter `path`.
 *
 * @throws {FolderBlockedError} naming the folder that blocks, and the remedy.
 */
export async function requireEnterable(path: string, user: SystemUser): Promise<void> {
  const blocking = await findBlockingFolder(path, user)
  if (!blocking) return
  throw new FolderBlockedError(
    `PostgreSQL runs as the user ${user.name}, who may not enter ${blocking}. ` +
      `Choose another data folder (./up --data /var/lib/upbeat), or let users pass through: chmod o+x ${blocking}`,
  )
}
