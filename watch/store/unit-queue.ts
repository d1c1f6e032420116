/** Units on their way to the writer: gathered for a moment, sent together, each answered by its own result. */
import { WatchError } from '../app/errors.ts'
import { toPositional, valuesInOrder, type PositionalSql } from './positional.ts'
import {
  encodeUnits,
  type NewSql,
  type ToWriter,
  type UnitResult,
  type WireStatement,
  type WireUnit,
} from './protocol.ts'
import type { Statement } from './types.ts'

/** How long a unit waits for company before it goes to the writer. */
const GATHER_MS = 5
const RETRY_AFTER_S = 5
/** Units that wait for the writer; beyond this the disk is too slow for what comes in. */
const MAX_PENDING = 100_000
const NO_PARAMS = {}

interface Pending {
  readonly resolve: (changes: number[]) => void
  readonly reject: (error: Error) => void
}

export interface UnitQueue {
  /** Answers once the unit is on the disk. @throws {WatchError} changed-meanwhile, storage-unavailable */
  add(statements: readonly Statement[]): Promise<number[]>
  /** Sends at once what has gathered. */
  flush(): void
  settle(results: readonly UnitResult[]): void
  /** Refuses all that waits: its thread has ended, and the next one knows no SQL yet. */
  startOver(): void
}

/** Begins empty. Sends only while somebody listens; the caller flushes when that begins. */
export function createUnitQueue(writer: {
  readonly isListening: () => boolean
  readonly post: (message: ToWriter) => void
}): UnitQueue {
  const sql = createSqlNumbers()
  const pending = new Map<number, Pending>()
  let gathered: WireUnit[] = []
  let timer: NodeJS.Timeout | null = null
  let lastId = 0

  function send(units: readonly WireUnit[]): void {
    writer.post({ type: 'write', newSql: sql.untold(), units: encodeUnits(units) })
    sql.noteTold()
  }

  function refuse({ id }: WireUnit, error: Error): void {
    pending.get(id)?.reject(new Error(`The unit was refused: ${error.message}`))
    pending.delete(id)
  }

  function flush(): void {
    if (timer) clearTimeout(timer)
    timer = null
    if (!writer.isListening()) return
    const units = gathered
    gathered = []
    if (units.length > 0) sendAll(units, send, refuse)
  }

  return {
    add(statements) {
      if (pending.size >= MAX_PENDING) return Promise.reject(unavailable('Too much waits for the disk.'))
      const id = ++lastId
      try {
        gathered.push({ id, statements: statements.map(sql.encode) })
      } catch (error) {
        return Promise.reject(
          new Error(`The unit was refused: ${(error as Error).message}`, { cause: error }),
        )
      }
      timer ??= setTimeout(flush, GATHER_MS)
      return new Promise((resolve, reject) => pending.set(id, { resolve, reject }))
    },
    flush,
    settle(results) {
      for (const result of results) {
        const waiting = pending.get(result.id)
        pending.delete(result.id)
        if (waiting) answer(waiting, result)
      }
    },
    startOver() {
      gathered = []
      sql.forgetTold()
      for (const { reject } of pending.values()) reject(unavailable('The thread that writes has ended.'))
      pending.clear()
    },
  }
}

/** A value that can't travel to the thread must cost its own unit only. */
function sendAll(
  units: readonly WireUnit[],
  send: (units: readonly WireUnit[]) => void,
  refuse: (unit: WireUnit, error: Error) => void,
): void {
  try {
    send(units)
  } catch {
    for (const unit of units) {
      try {
        send([unit])
      } catch (error) {
        refuse(unit, error as Error)
      }
    }
  }
}

/** SQL goes over to the thread once, and is named by its number from then on. */
function createSqlNumbers() {
  interface Known extends PositionalSql {
    readonly number: number
  }
  const known = new Map<string, Known>()
  let untold: NewSql[] = []

  function find(text: string): Known {
    let found = known.get(text)
    if (!found) {
      found = { number: known.size, ...toPositional(text) }
      known.set(text, found)
      untold.push({ number: found.number, text: found.text })
    }
    return found
  }

  return {
    /** @throws {RangeError} when the values are not those that the SQL names */
    encode: ({ sql, params = NO_PARAMS, mustChange = false }: Statement): WireStatement => {
      const found = find(sql)
      return { sql: found.number, values: valuesInOrder(found, params), mustChange }
    },
    untold: () => untold,
    noteTold: () => void (untold = []),
    forgetTold: () => void (untold = [...known.values()].map(({ number, text }) => ({ number, text }))),
  }
}

function answer(waiting: Pending, { changes, failure }: UnitResult): void {
  if (changes) waiting.resolve([...changes])
  else if (failure!.kind === 'unchanged') waiting.reject(new WatchError('changed-meanwhile'))
  else if (failure!.kind === 'disk') waiting.reject(unavailable(failure!.message))
  else waiting.reject(new Error(`The statement was refused: ${failure!.message}`))
}

/** What is thrown while nothing can be written. */
export const unavailable = (detail: string) =>
  new WatchError('storage-unavailable', { detail, retryAfterS: RETRY_AFTER_S })
