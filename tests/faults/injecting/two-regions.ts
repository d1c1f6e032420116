/** Two regions on one machine, each an API with a PostgreSQL of its own: that of the second is a streaming replica over a link that can be cut. */
import { execFile } from 'node:child_process'
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { createLog } from '../../../kit/log.ts'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { findPostgresAddress } from '../../../platform/infra/postgres/address.ts'
import { startPostgres } from '../../../platform/infra/postgres/index.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'
import { startProduct, type Product } from '../../support/product.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const SLOT = 'second_region'
const QUIET = { BACKUP: 'off', DEMO: 'off', UPLOAD_RESERVE_BYTES: '0' }

export interface TwoRegions extends AsyncDisposable {
  /** `eu`: it has the primary. */
  readonly first: Product
  /** `us`: it reads its replica, and writes over the link. */
  readonly second: Product
  readonly link: FaultProxy
  readonly watchUrl: string
  readonly primary: Client
  readonly replica: Client
}

/** Starts both; `prepare` fills the first one before it is copied. Answers when the replica streams. */
export async function startTwoRegions(
  dir: string,
  prepare: (first: Product) => Promise<void>,
): Promise<TwoRegions> {
  await using stack = new AsyncDisposableStack()
  const [firstDir, secondDir] = [join(dir, 'eu'), join(dir, 'us')]
  const startFirst = () => startProduct({ dataDir: firstDir, env: { ...QUIET, REGION: 'eu' } })
  {
    await using product = await startFirst()
    await product.settled()
    await prepare(product)
  }
  await copyRegion(firstDir, secondDir)
  const first = stack.use(await startFirst())
  const primaryUrl = (await findPostgresAddress(join(firstDir, 'postgres')))!
  const primary = await connect(stack, primaryUrl)
  await primary.query('select pg_create_physical_replication_slot($1, true)', [SLOT])
  const link = stack.use(await startFaultProxy({ targetPort: Number(new URL(primaryUrl).port) }))
  const linked = new URL(primaryUrl)
  linked.port = String(link.port)
  const standby = stack.use(
    await startPostgres({
      dataDir: join(secondDir, 'postgres'),
      log: createLog({ level: 'silent', base: { role: 'replica' } }),
      settings: { primary_conninfo: linked.href, primary_slot_name: SLOT },
    }),
  )
  const watchPort = await findFreePort()
  const second = stack.use(
    await startProduct({
      dataDir: secondDir,
      args: ['--watch-port', String(watchPort)],
      env: {
        ...QUIET,
        REGION: 'us',
        DATABASE_URL: linked.href,
        REPLICA_URL: standby.url,
        // People of the drill say by a header where they come from.
        TRUSTED_PROXIES: '127.0.0.1',
        WATCH_PROGRAM: join(REPOSITORY, 'watch', 'main.ts'),
        WATCH_CONNECTIVITY: '',
      },
    }),
  )
  const replica = await connect(stack, standby.url)
  const owned = stack.move()
  return {
    ...{ first, second, link, primary, replica, watchUrl: `http://127.0.0.1:${watchPort}` },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function connect(stack: AsyncDisposableStack, url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  stack.defer(() => client.end().catch(() => {}))
  return client
}

/** The database as it was left, told to stream from here on; the keys, and the media, which both regions have. */
async function copyRegion(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await promisify(execFile)('cp', ['-a', join(from, 'postgres'), join(to, 'postgres')])
  await rm(join(to, 'postgres', 'port'), { force: true })
  await writeFile(join(to, 'postgres', 'cluster', 'standby.signal'), '')
  await cp(join(from, 'secrets.json'), join(to, 'secrets.json'))
  await symlink(join(from, 'blobs'), join(to, 'blobs'))
}
