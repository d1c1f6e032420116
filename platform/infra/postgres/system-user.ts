/** The system user that PostgreSQL runs as when we are root: PostgreSQL refuses to run as root. */
import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, parse } from 'node:path'
import { findSystemUser, makeSystemUser, type SystemUser } from '../system-users.ts'

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
  return (await findSystemUser(FIRST_CHOICE)) ?? (await findSystemUser(OUR_OWN)) ?? makeOurOwn()
}

async function makeOurOwn(): Promise<SystemUser> {
  try {
    return await makeSystemUser(OUR_OWN)
  } catch (cause) {
    throw new Error(
      `PostgreSQL may not run as root, and the system user "${OUR_OWN}" could not be made. ` +
        `Make it yourself (useradd --system ${OUR_OWN}) and start again, or start Upbeat as an ordinary user.`,
      { cause },
    )
  }
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
