/** Opens the store: hands units to the writer's thread in groups, and reads by a connection of its own. */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Log } from '../../kit/log.ts'
import type { SqlValue, Statement, Store } from './types.ts'
import { createUnitQueue, unavailable } from './unit-queue.ts'
import { startWriterThread } from './writer-thread.ts'

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

function createWriter(options: { readonly path: string; readonly log: Log }) {
  const thread = startWriterThread(options, {
    onListening: () => queue.flush(),
    onResults: (results) => queue.settle(results),
    onEnded: () => queue.startOver(),
  })
  const queue = createUnitQueue(thread)
  let isClosing = false
  return {
    ready: thread.ready,
    write: (statements: readonly Statement[]): Promise<number[]> =>
      isClosing ? Promise.reject(unavailable('The watch is stopping.')) : queue.add(statements),
    async close(): Promise<void> {
      if (!isClosing) queue.flush()
      isClosing = true
      await thread.close()
    },
  }
}
