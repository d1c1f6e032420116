/** A side of its own for a process: a network that only a pair of virtual cables joins to ours, and a user that nothing else has. */
import { execFile, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeSystemUser, type SystemUser } from '../../../platform/infra/system-users.ts'

const execute = promisify(execFile)
const USER = 'upbeat-drill-watch'
const PROGRAMS = ['ip', 'setpriv', 'userdel'] as const

export interface OwnSide extends AsyncDisposable {
  readonly user: SystemUser
  /** Belongs to the user, and nobody else may enter it. */
  readonly dataDir: string
  /** Where that side reaches us, and we it. */
  readonly ourAddress: string
  readonly itsAddress: string
  /** What to put before a command so that it runs there. */
  readonly prefix: readonly string[]
}

/** Why there can be none here; null: there can. */
export async function whyNoOwnSide(): Promise<string | null> {
  if (process.getuid!() !== 0) return 'a network namespace and a user of its own need root'
  const missing: string[] = []
  for (const program of PROGRAMS)
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) missing.push(program)
  if (missing.length > 0) return `${missing.join(', ')} is not installed`
  const name = `upbeat-try-${process.pid}`
  const tried = await execute('ip', ['netns', 'add', name]).then(
    () => null,
    (error: Error & { stderr?: string }) =>
      `the machine allows no network namespace: ${(error.stderr ?? error.message).trim()}`,
  )
  spawnSync('ip', ['netns', 'del', name])
  return tried
}

/** Makes the side; disposal, and the end of this process, take all of it away again. What runs there has to be ended before. */
export async function makeOwnSide(): Promise<OwnSide> {
  const name = `upbeat-drill-${process.pid}`
  const net = `10.203.${process.pid % 250}`
  const [near, far] = [`up${process.pid % 100_000}a`, `up${process.pid % 100_000}b`]
  let dataDir: string | null = null
  const undo = () => {
    if (dataDir !== null) rmSync(dataDir, { recursive: true, force: true })
    spawnSync('ip', ['netns', 'del', name])
    spawnSync('ip', ['link', 'del', near])
    // By force: whoever it ran may not have been reaped yet. A drill that was killed may have left it.
    spawnSync('userdel', ['--force', USER])
  }
  process.once('exit', undo)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    process.off('exit', undo)
    undo()
  })
  const user = await makeSystemUser(USER)
  dataDir = await mkdtemp(join(tmpdir(), 'upbeat-drill-watch-'))
  await chown(dataDir, user.uid, user.gid)
  for (const words of [
    `netns add ${name}`,
    `link add ${near} type veth peer name ${far}`,
    `link set ${far} netns ${name}`,
    `addr add ${net}.1/30 dev ${near}`,
    `link set ${near} up`,
    `-n ${name} addr add ${net}.2/30 dev ${far}`,
    `-n ${name} link set ${far} up`,
    `-n ${name} link set lo up`,
  ])
    await execute('ip', words.split(' '), { timeout: 10_000 })
  const owned = stack.move()
  return {
    user,
    dataDir,
    ourAddress: `${net}.1`,
    itsAddress: `${net}.2`,
    prefix: [
      ...['ip', 'netns', 'exec', name],
      ...['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'],
      ...['--no-new-privs', '--inh-caps=-all', '--'],
    ],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
