/** Opens the store: hands units to the writer's thread in groups, and reads by a connection of its own. */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../kit/log.ts'
import { WatchError } from '../app/errors.ts'
import type { SqlValue, Statement, Store } from './types.ts'
import type { FromWriter, ToWriter, UnitResult, WireUnit } from './protocol.ts'

/** How long a unit waits for company before it goes to the writer. */
const GATHER_MS = 2
const RETRY_AFTER_S = 5
const RESTART_DELAY_MS = 500
/** Units that wait for the writer; beyond this the disk is too slow for what comes in. */
const MAX_PENDING = 100_000

/** The file can't be used: broken, of a newer version, or not ours to write. */
export class StoreUnusableError extends Error {}

interface Pending {
  readonly resolve: (changes: number[]) => void
  readonly reject: (error: Error) => void
}

/**
 * Opens the file, made and brought up to date when needed.
 *
 * @throws {StoreUnusableError}
 */
export async function openStore(options: { readonly path: string; readonly log: Log }): Promise<Store> {
  await mkdir(dirname(options.path), { recursive: true, mode: 0o700 })
  await keepPrivate(options)
  const writer = createWriter(options)
  await writer.ready
  const reader = openReader(options.path)
  return {
    write: writer.write,
    all: reader.all,
    get: reader.get,
    async [Symbol.asyncDispose]() {
      await writer.close()
      reader.close()
    },
  }
}

/**
 * Keys, addresses and secrets are in it: only its owner reads it, also in a folder that others may enter. SQLite gives the
 * files beside it the same mode.
 */
async function keepPrivate({ path, log }: { readonly path: string; readonly log: Log }): Promise<void> {
  try {
    await (await open(path, 'a', 0o600)).close()
    await chmod(path, 0o600)
  } catch (error) {
    // Whether the file can be used at all, SQLite says better.
    log.warn({ err: error, path }, 'store.not-private')
  }
}

function openReader(path: string) {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 })
  const prepared = new Map<string, StatementSync>()
  function prepare(sql: string): StatementSync {
    let statement = prepared.get(sql)
    if (!statement) prepared.set(sql, (statement = db.prepare(sql)))
    return statement
  }
  // The caller names the columns that its SQL selects: the one guarantee that rows have their type.
  return {
    all: <Row>(sql: string, params: Readonly<Record<string, SqlValue>> = {}) =>
      prepare(sql).all(params) as unknown as Row[],
    get: <Row>(sql: string, params: Readonly<Record<string, SqlValue>> = {}) =>
      prepare(sql).get(params) as unknown as Row | undefined,
    close: () => db.close(),
  }
}

function createWriter({ path, log }: { readonly path: string; readonly log: Log }) {
  const numberOf = new Map<string, number>()
  const pending = new Map<number, Pending>()
  const ready = Promise.withResolvers<void>()
  let newSql: [number, string][] = []
  let gathered: WireUnit[] = []
  let timer: NodeJS.Timeout | null = null
  let lastId = 0
  let closing: PromiseWithResolvers<void> | null = null
  /** What is written while the thread starts waits for it. */
  let isListening = false
  let worker = spawn()

  function spawn(): Worker {
    const spawned = new Worker(new URL('./writer.ts', import.meta.url), { workerData: { path } })
    spawned.on('message', (message: FromWriter) => {
      if (message.type === 'ready') {
        isListening = true
        ready.resolve()
        flush()
      } else if (message.type === 'refused')
        ready.reject(
          new StoreUnusableError(
            `${path} can not be used: ${message.message}. Give the watch another --data folder, or move this file away.`,
          ),
        )
      else for (const result of message.results) settle(result)
    })
    spawned.on('error', (error) => log.error({ err: error }, 'store.writer-failed'))
    spawned.on('exit', () => {
      isListening = false
      gathered = []
      ready.reject(new StoreUnusableError(`The thread that writes to ${path} ended before it was ready.`))
      for (const { reject } of pending.values()) reject(unavailable('The thread that writes has ended.'))
      pending.clear()
      if (closing) return closing.resolve()
      setTimeout(() => {
        if (closing) return closing.resolve()
        // A new thread knows no SQL yet.
        newSql = [...numberOf].map(([sql, number]) => [number, sql])
        worker = spawn()
      }, RESTART_DELAY_MS)
    })
    return spawned
  }

  function settle({ id, changes, failure }: UnitResult): void {
    const waiting = pending.get(id)
    if (!waiting) return
    pending.delete(id)
    if (changes) waiting.resolve([...changes])
    else if (failure!.kind === 'unchanged') waiting.reject(new WatchError('changed-meanwhile'))
    else if (failure!.kind === 'disk') waiting.reject(unavailable(failure!.message))
    else waiting.reject(new Error(`The statement was refused: ${failure!.message}`))
  }

  function number(sql: string): number {
    let known = numberOf.get(sql)
    if (known === undefined) {
      numberOf.set(sql, (known = numberOf.size))
      newSql.push([known, sql])
    }
    return known
  }

  function flush(): void {
    timer = null
    if (!isListening || gathered.length === 0) return
    const units = gathered
    gathered = []
    try {
      worker.postMessage({ type: 'write', newSql, units } satisfies ToWriter)
    } catch {
      // A value that can't travel to the thread must cost its own unit only.
      for (const unit of units) send(unit)
      return
    }
    newSql = []
  }

  function send(unit: WireUnit): void {
    try {
      worker.postMessage({ type: 'write', newSql, units: [unit] } satisfies ToWriter)
      newSql = []
    } catch (error) {
      pending.get(unit.id)?.reject(new Error(`The unit was refused: ${(error as Error).message}`))
      pending.delete(unit.id)
    }
  }

  return {
    ready: ready.promise,
    write(statements: readonly Statement[]): Promise<number[]> {
      if (closing) return Promise.reject(unavailable('The watch is stopping.'))
      if (pending.size >= MAX_PENDING) return Promise.reject(unavailable('Too much waits for the disk.'))
      const id = ++lastId
      gathered.push({
        id,
        statements: statements.map(({ sql, params = null, mustChange = false }) => ({
          sql: number(sql),
          params,
          mustChange,
        })),
      })
      timer ??= setTimeout(flush, GATHER_MS)
      return new Promise((resolve, reject) => pending.set(id, { resolve, reject }))
    },
    async close(): Promise<void> {
      if (closing) return closing.promise
      if (timer) {
        clearTimeout(timer)
        flush()
      }
      closing = Promise.withResolvers<void>()
      worker.postMessage({ type: 'close' } satisfies ToWriter)
      await closing.promise
    },
  }
}

const unavailable = (detail: string) =>
  new WatchError('storage-unavailable', { detail, retryAfterS: RETRY_AFTER_S })
