/**
 * A world for one test: its own database, cloned from the migrated template, its own folders, and verbs to fill it.
 *
 * The server to clone on is given by the suite's global setup (`inject('databaseUrl')`).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { createFakeClock, systemClock, type Clock } from '../../kit/clock.ts'
import { loadConfig, type Config } from '../../platform/app/config.ts'
import { openContext, type Ctx } from '../../platform/app/context.ts'
import { signUp, sessionCookieValue } from '../../platform/modules/accounts/index.ts'
import { v7 as uuidv7 } from 'uuid'
import { administer, dropDatabase } from './administer.ts'

export interface TestAccount {
  readonly id: string
  readonly handle: string
  readonly password: string
  /** Headers that make a request this account's. */
  readonly headers: { readonly cookie: string }
}

export interface World extends AsyncDisposable {
  readonly ctx: Ctx
  readonly config: Config
  readonly databaseUrl: string
  /** Signs up a new account, or one of the given handle. */
  account(options?: { handle?: string }): Promise<TestAccount>
}

export interface WorldOptions {
  /** A clock of the test's own, see createFakeClock. @default the system's */
  readonly clock?: Clock
  readonly env?: Record<string, string>
  /** Whether the world runs and supervises jobs. @default false */
  readonly isWorker?: boolean
  /** Whether what people do is kept while the database is away. @default false */
  readonly isKeeping?: boolean
}

export { createFakeClock }

let accountCount = 0

/** Makes a world; `await using` takes it away again. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const databaseUrl = stack.use(await cloneDatabase(inject('databaseUrl'))).url
  const dataDir = await mkdtemp(join(tmpdir(), 'upbeat-world-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const config = loadConfig({
    DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: '5',
    LOG_LEVEL: 'silent',
    UPLOAD_RESERVE_BYTES: '0',
    PASSWORD_RANGE_URL: 'off',
    // A test machine is overloaded by its tests: what answers to load is for those that ask for it.
    PROTECTIONS_OFF: 'levels,admission',
    ...options.env,
  })
  const { ctx } = stack.use(
    await openContext({
      config,
      role: 'test',
      clock: options.clock ?? systemClock,
      isWorker: options.isWorker ?? false,
      isKeeping: options.isKeeping ?? false,
    }),
  )
  const owned = stack.move()
  return {
    ctx,
    config,
    databaseUrl,
    async account({ handle = `person${++accountCount}` } = {}) {
      const password = 'correct horse battery'
      const made = await signUp(ctx, { handle, password }, { address: '127.0.0.1', userAgent: 'test' })
      return {
        id: made.accountId,
        handle,
        password,
        headers: { cookie: sessionCookieValue(made.sessionToken, ctx.secrets.session) },
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function cloneDatabase(template: string): Promise<AsyncDisposable & { url: string }> {
  const url = new URL(template)
  const templateName = url.pathname.slice(1)
  const name = `world_${uuidv7().replaceAll('-', '')}`
  url.pathname = '/postgres'
  const adminUrl = url.href
  // By files: the other strategy logs every block that it copies.
  await administer(
    adminUrl,
    `create database ${name} template ${pg.escapeIdentifier(templateName)} strategy file_copy`,
  )
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => dropDatabase(adminUrl, name),
  }
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** A migrated database on the suite's server, to be cloned. */
    databaseUrl: string
  }
}
