/** The one writer, in a thread of its own: takes units of statements, commits what has come in together, and answers then. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import {
  decodeUnits,
  encodeResults,
  type FromWriter,
  type NewSql,
  type ToWriter,
  type UnitFailure,
  type UnitResult,
  type WireStatement,
  type WireUnit,
} from './protocol.ts'

/** Result codes that say something about the disk or the file rather than about the statement (sqlite.org/rescode.html). */
const DISK_CODES = new Set([5, 6, 8, 10, 11, 13, 14, 15, 26])
/** More in one commit would keep the first of them waiting. */
const UNITS_PER_COMMIT = 5_000
const BUSY_TIMEOUT_MS = 2_000
/** Reporters come in no order: with SQLite's own 2 MB, most of them have their page read anew. */
const CACHE_KIB = 65_536
/** A page that is written again and again goes from the log to the file once in so many, not once in SQLite's own 1,000. */
const PAGES_BETWEEN_CHECKPOINTS = 8_000

const MIGRATIONS_DIR = join(import.meta.dirname, 'migrations')

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  // FULL: what has been answered survives the loss of power, too.
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
  db.exec(`pragma cache_size = -${CACHE_KIB}; pragma wal_autocheckpoint = ${PAGES_BETWEEN_CHECKPOINTS}`)
  return db
}

/** Applies the SQL files that this file has not seen, in the order of their names, each in a transaction of its own. */
function migrate(db: DatabaseSync): void {
  db.exec('create table if not exists migration (name text primary key, applied_at_ms integer not null)')
  const applied = new Set(
    db
      .prepare('select name from migration')
      .all()
      .map((row) => row['name']),
  )
  const files = readdirSync(MIGRATIONS_DIR).filter((name) => name.endsWith('.sql'))
  for (const name of files.sort()) {
    if (applied.has(name)) continue
    db.exec('begin immediate')
    db.exec(readFileSync(join(MIGRATIONS_DIR, name), 'utf8'))
    db.prepare('insert into migration (name, applied_at_ms) values (?, ?)').run(name, Date.now())
    db.exec('commit')
  }
}

interface Committer {
  /** Learns SQL by the number that it is called by from then on. */
  learn(sql: readonly NewSql[]): void
  /** Commits the units together; one that is wrong is undone alone. */
  commit(units: readonly WireUnit[]): UnitResult[]
}

function createCommitter(db: DatabaseSync): Committer {
  const sqlOf = new Map<number, string>()
  const prepared = new Map<number, StatementSync>()

  function prepare(sql: number): StatementSync {
    let statement = prepared.get(sql)
    if (!statement) prepared.set(sql, (statement = db.prepare(sqlOf.get(sql)!)))
    return statement
  }

  function runStatement({ sql, values, mustChange }: WireStatement): number {
    const changed = Number(prepare(sql).run(...values).changes)
    if (mustChange && changed === 0) throw new Unchanged(sqlOf.get(sql)!)
    return changed
  }

  function run(unit: WireUnit): UnitResult {
    // One statement is undone by SQLite itself when it fails.
    const needsSavepoint = unit.statements.length > 1
    if (needsSavepoint) db.exec('savepoint unit')
    try {
      const changes = unit.statements.map(runStatement)
      if (needsSavepoint) db.exec('release unit')
      return { id: unit.id, changes, failure: null }
    } catch (error) {
      // A full disk may have ended the whole transaction already.
      if (isDiskError(error)) throw error
      if (needsSavepoint) db.exec('rollback to unit; release unit')
      return { id: unit.id, changes: null, failure: describe(error) }
    }
  }

  return {
    learn(sql) {
      for (const { number, text } of sql) sqlOf.set(number, text)
    },
    commit(units) {
      try {
        db.exec('begin immediate')
        const results = units.map(run)
        db.exec('commit')
        return results
      } catch (error) {
        if (db.isTransaction) db.exec('rollback')
        const failure = describe(error)
        return units.map(({ id }) => ({ id, changes: null, failure }))
      }
    },
  }
}

function serve(db: DatabaseSync, port: MessagePort): void {
  const committer = createCommitter(db)
  const waiting: WireUnit[] = []
  const say = (message: FromWriter) => port.postMessage(message)

  function take(message: ToWriter): boolean {
    if (message.type === 'close') return false
    committer.learn(message.newSql)
    for (const unit of decodeUnits(message.units)) waiting.push(unit)
    return true
  }

  port.on('message', (first: ToWriter) => {
    let isOpen = take(first)
    // What came in during the last commit goes into this one.
    for (let next = receiveMessageOnPort(port); next && isOpen; next = receiveMessageOnPort(port))
      isOpen = take(next.message as ToWriter)
    while (waiting.length > 0) say(encodeResults(committer.commit(waiting.splice(0, UNITS_PER_COMMIT))))
    if (isOpen) return
    db.close()
    port.close()
  })
  say({ type: 'ready' })
}

class Unchanged extends Error {}

const isDiskError = (error: unknown): boolean =>
  DISK_CODES.has(((error as { errcode?: number }).errcode ?? 0) & 0xff)

function describe(error: unknown): UnitFailure {
  const { message } = error as Error
  if (error instanceof Unchanged) return { kind: 'unchanged', message }
  return { kind: isDiskError(error) ? 'disk' : 'statement', message }
}

const port = parentPort!
try {
  const db = openDatabase((workerData as { path: string }).path)
  migrate(db)
  serve(db, port)
} catch (error) {
  port.postMessage({ type: 'refused', message: (error as Error).message } satisfies FromWriter)
  port.close()
}
