/** A throw-away cluster of the PostgreSQL that Debian packages: the second server that every database test must pass on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findFreePort } from '../../kit/network/free-port.ts'
import { volatileDir } from '../../tests/support/volatile-dir.ts'

const INSTALLED = '/usr/lib/postgresql'
const START_TIMEOUT_MS = 30_000

export interface DebianPostgres extends AsyncDisposable {
  readonly url: string
  readonly majorVersion: string
}

/** Makes and starts a cluster; disposal takes it away. Null where Debian's PostgreSQL is not installed. */
export async function startDebianPostgres(): Promise<DebianPostgres | null> {
  const majorVersion = (await readdir(INSTALLED).catch(() => [])).sort((a, b) => Number(b) - Number(a))[0]
  if (!majorVersion) return null
  const program = (name: string) => join(INSTALLED, majorVersion, 'bin', name)
  const user = process.getuid!() === 0 ? await findPostgresUser() : null
  const dir = await mkdtemp(join(await volatileDir(), 'upbeat-check-postgres-'))
  if (user) await chown(dir, user.uid, user.gid)
  const cluster = join(dir, 'cluster')
  const options = { cwd: dir, ...user, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } }

  const initdb = spawn(
    program('initdb'),
    ['-D', cluster, '-U', 'upbeat', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
    { ...options, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const [code] = (await once(initdb, 'close')) as [number]
  if (code !== 0) throw new Error(`initdb of PostgreSQL ${majorVersion} ended with ${code}.`)

  const port = await findFreePort()
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const server = spawn(program('postgres'), ['-D', cluster, ...flags], { ...options, stdio: 'ignore' })
  const ended = once(server, 'exit')
  // A check that is ended by a signal disposes of nothing.
  const endWithUs = () => {
    server.kill('SIGQUIT')
    rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', endWithUs)
  const url = `postgres://upbeat@127.0.0.1:${port}/postgres`
  await waitUntilAnswering(url)
  return {
    url,
    majorVersion,
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithUs)
      server.kill('SIGINT')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function findPostgresUser(): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'))
  if (!line) throw new Error('There is no system user postgres, as which PostgreSQL could run.')
  const [, , uid, gid] = line.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

async function waitUntilAnswering(url: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (waitedMs > START_TIMEOUT_MS) throw error
      await sleep(50)
    }
  }
}
