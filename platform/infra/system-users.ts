/** Users of this machine that run what must not run as root. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Null: the machine has no such user. */
export async function findSystemUser(name: string): Promise<SystemUser | null> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [entry, , uid, gid] = line.split(':')
    if (entry === name) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return null
}

/**
 * Makes a user without a home, a password or a shell, with a group of the same name. Needs root.
 *
 * @throws {AggregateError} what each way of making one answered.
 */
export async function makeSystemUser(name: string): Promise<SystemUser> {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name]],
    ['adduser', ['-S', '-D', '-H', name]],
  ]
  const failures: unknown[] = []
  for (const [program, args] of attempts) {
    await run(program, args, { timeout: 10_000 }).catch((error: unknown) => failures.push(error))
    // Also after a failure: another process may have made it meanwhile.
    const user = await findSystemUser(name)
    if (user) return user
  }
  throw new AggregateError(failures, `The system user "${name}" could not be made.`)
}
