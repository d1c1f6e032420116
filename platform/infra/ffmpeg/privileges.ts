/**
 * What ffmpeg may do on this machine. What it reads comes from strangers: a decoder that one of them takes over must
 * find nothing beside it.
 */
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findSystemUser, makeSystemUser, type SystemUser } from '../system-users.ts'

/**
 * Under this name a program finds the file that was handed to it as its standard input. Opening it asks for the file's own
 * permission, not for that of the folders above it.
 */
export const HANDED_FILE = '/proc/self/fd/0'

const OUR_OWN = 'upbeat-media'
/** Where users can't be made, in a read-only container say. Every Linux has it. */
const LAST_RESORT: SystemUser = { name: 'nobody', uid: 65_534, gid: 65_534 }

let chosen: Promise<SystemUser> | null = null

/** The user to run as: null when we are not root (then as ourselves), else one that owns nothing. Looked for once. */
export async function chooseEncoderUser(): Promise<SystemUser | null> {
  if (process.getuid?.() !== 0) return null
  return (chosen ??= findOrMakeUser())
}

async function findOrMakeUser(): Promise<SystemUser> {
  const found = await findSystemUser(OUR_OWN)
  return (
    found ??
    makeSystemUser(OUR_OWN).catch(async () => (await findSystemUser(LAST_RESORT.name)) ?? LAST_RESORT)
  )
}

/**
 * Group ids that neither Debian nor systemd gives to anyone, and that exist in a container of 65,536 ids too
 * (https://systemd.io/UIDS-GIDS).
 */
const PRIVATE_GIDS = { first: 60_706, count: 478 }
let runs = randomInt(PRIVATE_GIDS.count)

/**
 * The command that runs what follows it without a capability and without a way to get one (`no_new_privs`); when `user`
 * is given, as that user.
 *
 * Each run gets a group of its own: Linux then keeps the memory and the open files (`/proc/PID`) of one from another, which
 * have the same user.
 */
export function dropPrivileges(user: SystemUser | null): string[] {
  const gid = PRIVATE_GIDS.first + (runs++ % PRIVATE_GIDS.count)
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${gid}`, `--groups=${user.gid}`] : []
  return ['setpriv', ...identity, '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all']
}

const PROBE_TIMEOUT_MS = 5_000
let closing: Promise<readonly string[]> | null = null

/**
 * The command that runs what follows it in a network namespace of its own, in which there is nothing: no address can be
 * reached, this machine's own included. Empty where that is not allowed (most containers): looked for once.
 */
export async function closeNetwork(): Promise<readonly string[]> {
  return (closing ??= findWayToCloseNetwork())
}

async function findWayToCloseNetwork(): Promise<readonly string[]> {
  // Who is not root may do it within a user namespace, where that is allowed.
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user']
  const command = ['unshare', ...asUser, '--net']
  try {
    await promisify(execFile)(command[0]!, [...command.slice(1), 'true'], { timeout: PROBE_TIMEOUT_MS })
    return command
  } catch {
    return []
  }
}

/**
 * Opens a file so that `user` may open it too, by its descriptor: the folders that it lies in stay closed. A file that its
 * group or everybody may not read is given to the user's group.
 */
export async function openToHand(path: string, user: SystemUser | null): Promise<FileHandle> {
  const file = await open(path)
  try {
    if (user) await letRead(file, user)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function letRead(file: FileHandle, user: SystemUser): Promise<void> {
  const { mode, uid, gid } = await file.stat()
  const isReadable = mode & (gid === user.gid ? constants.S_IRGRP : constants.S_IROTH)
  if (isReadable) return
  await file.chown(uid, user.gid)
  await file.chmod((mode & 0o7777) | constants.S_IRGRP)
}
