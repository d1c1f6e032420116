/** The database connection: a pool of PostgreSQL sessions and typed queries over it. */
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Door } from '../../../kit/admission/index.ts'
import type { DatabaseGuard } from './guard.ts'
import { DatabaseAwayError } from './guarded-client.ts'
import { guardPool } from './guarded-pool.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>
export type Tx = Transaction<Tables>

const INT8_OID = 20

/**
 * Our integers stay below 2^53, so bigint columns arrive as numbers; a larger value is an error rather than a silent
 * rounding.
 */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new RangeError(`${text} is beyond the integers that can be told exactly.`)
  return value
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID
      ? parseInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

export interface DatabaseOptions {
  readonly url: string
  readonly poolSize: number
  readonly applicationName: string
  /** @default 10000 */
  readonly statementTimeoutMs?: number
  readonly onError: (error: Error) => void
  /** Before the pool. @default none */
  readonly door?: Door | null
  /** Ends every wait while the database is away. @default none */
  readonly guard?: DatabaseGuard
}

export interface Database extends AsyncDisposable {
  readonly db: Db
  readonly pool: pg.Pool
}

/**
 * Opens a pool. Connections are made on first use; a broken one is replaced by the next query. What is asked while the
 * guard says that the database is away fails at once, see isDatabaseUnavailable.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { guard } = options
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    statement_timeout: options.statementTimeoutMs ?? 10_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    types,
    ...(guard?.Client && { Client: guard.Client as never }),
  })
  pool.on('error', (error) => {
    // That it went is told once, by the guard, not by each connection.
    if (!(error instanceof DatabaseAwayError)) options.onError(error)
  })
  // The pool listens to idle connections only; one that breaks while it is checked out would end the process. The query
  // under way is rejected all the same.
  pool.on('connect', (client) => client.on('error', () => {}))
  if (options.door) guardPool(pool, options.door)
  if (guard) refuseWhileAway(pool, guard)
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() }
}

/** Before any door or queue: whoever would wait there for a connection is told that there is none. */
function refuseWhileAway(pool: pg.Pool, guard: DatabaseGuard): void {
  type Connect = (callback?: (error: Error, client: undefined, done: () => void) => void) => unknown
  const connect = pool.connect.bind(pool) as Connect
  pool.connect = ((callback) => {
    if (guard.isUp) return connect(callback)
    const error = new DatabaseAwayError()
    return callback ? process.nextTick(callback, error, undefined, () => {}) : Promise.reject(error)
  }) as Connect as pg.Pool['connect']
}

/** The same connections for code that names columns in camel case, as better-auth does. */
export const inCamelCase = (db: Db | Tx) => db.withPlugin(new CamelCasePlugin())

/**
 * Runs `work` in one transaction: all of it happens, or none. Never hold one across storage, ffmpeg or the network. A
 * context whose `db` is a transaction already has `work` join that.
 */
export function inTransaction<T>(ctx: { readonly db: Db | Tx }, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (ctx.db.isTransaction) return work(ctx.db as Tx)
  return ctx.db.transaction().execute(work)
}

const UNIQUE_VIOLATION = '23505'
/** Whether the error is a broken unique constraint (of the given name, if any). */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const e = error as { code?: string; constraint?: string } | null
  return e?.code === UNIQUE_VIOLATION && (constraint === undefined || e.constraint === constraint)
}

const CHARACTER_NOT_IN_REPERTOIRE = '22021'
/** Whether the error is about a text that PostgreSQL can't hold: one with a NUL. */
export const isUnstorableText = (error: unknown): boolean =>
  (error as { code?: string } | null)?.code === CHARACTER_NOT_IN_REPERTOIRE

/** Whether the error means that the database can't be reached or is starting or stopping (SQLSTATE classes 08, 53, 57P). */
export function isDatabaseUnavailable(error: unknown): boolean {
  const e = error as { code?: string; message?: string } | null
  const code = e?.code ?? ''
  return (
    /^(08|53|57P)/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT'].includes(code) ||
    /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/.test(
      e?.message ?? '',
    )
  )
}
