/**
 * What the store's two threads say to each other. A message is copied piece by piece, so pieces are what it costs: SQL goes
 * over once and is named by its number from then on; units go as one text, and what came of them as one list of numbers.
 */
import type { SqlValue } from './types.ts'

export interface WireStatement {
  readonly sql: number
  /** In the order of the SQL's question marks. */
  readonly values: readonly SqlValue[]
  readonly mustChange: boolean
}

export interface WireUnit {
  readonly id: number
  readonly statements: readonly WireStatement[]
}

export interface NewSql {
  readonly number: number
  readonly text: string
}

export type ToWriter =
  | {
      readonly type: 'write'
      readonly newSql: readonly NewSql[]
      /** See `encodeUnits`. */
      readonly units: string
    }
  | { readonly type: 'close' }

export interface UnitResult {
  readonly id: number
  /** Rows changed by each statement; null when the unit was undone. */
  readonly changes: readonly number[] | null
  readonly failure: UnitFailure | null
}

export interface UnitFailure {
  /** `unchanged`: a `mustChange` changed nothing; `disk`: nothing can be written now; `statement`: this unit is wrong. */
  readonly kind: 'unchanged' | 'disk' | 'statement'
  readonly message: string
}

export type FromWriter =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly message: string }
  | {
      readonly type: 'results'
      /** Of each unit that was committed: its id, how many statements it has, and what each changed. */
      readonly committed: Float64Array
      readonly undone: readonly UnitResult[]
    }

/** A value that JSON has no word for. */
interface Marked {
  readonly type: 'bytes' | 'integer' | 'number'
  readonly text: string
}

/**
 * JSON of each unit as its id and the number of its statements; each of these as SQL, whether it must change, how many
 * values, and they.
 *
 * @throws {TypeError} for a value that SQLite does not take
 */
export function encodeUnits(units: readonly WireUnit[]): string {
  const flat: unknown[] = []
  for (const { id, statements } of units) {
    flat.push(id, statements.length)
    for (const { sql, values, mustChange } of statements) {
      flat.push(sql, mustChange ? 1 : 0, values.length)
      for (const value of values) flat.push(encodeValue(value))
    }
  }
  return JSON.stringify(flat)
}

function encodeValue(value: SqlValue): string | number | null | Marked {
  if (typeof value === 'string' || value === null) return value
  if (typeof value === 'number')
    return Number.isFinite(value) ? value : { type: 'number', text: String(value) }
  if (typeof value === 'bigint') return { type: 'integer', text: String(value) }
  if (value instanceof Uint8Array) return { type: 'bytes', text: Buffer.from(value).toString('base64') }
  throw new TypeError(`SQLite takes no ${typeof value}.`)
}

function decodeValue(value: string | number | null | Marked): SqlValue {
  if (typeof value !== 'object' || value === null) return value
  if (value.type === 'number') return Number(value.text)
  return value.type === 'integer' ? BigInt(value.text) : Uint8Array.from(Buffer.from(value.text, 'base64'))
}

/** What `encodeUnits` made a text of. */
export function decodeUnits(text: string): WireUnit[] {
  // Written by `encodeUnits` only: what stands for a number is one.
  const flat = JSON.parse(text) as (number | Parameters<typeof decodeValue>[0])[]
  const units: WireUnit[] = []
  let at = 0
  const next = () => flat[at++] as number
  while (at < flat.length) {
    const id = next()
    const statements = Array.from({ length: next() }, () => {
      const [sql, mustChange, valueCount] = [next(), next() === 1, next()]
      at += valueCount
      return { sql, mustChange, values: flat.slice(at - valueCount, at).map(decodeValue) }
    })
    units.push({ id, statements })
  }
  return units
}

export function encodeResults(results: readonly UnitResult[]): Extract<FromWriter, { type: 'results' }> {
  const committed: number[] = []
  const undone: UnitResult[] = []
  for (const result of results) {
    if (result.changes) committed.push(result.id, result.changes.length, ...result.changes)
    else undone.push(result)
  }
  return { type: 'results', committed: Float64Array.from(committed), undone }
}

/** What `encodeResults` made a message of. */
export function decodeResults({ committed, undone }: Extract<FromWriter, { type: 'results' }>): UnitResult[] {
  const results = [...undone]
  for (let at = 0; at < committed.length;) {
    const [id, count] = [committed[at]!, committed[at + 1]!]
    results.push({ id, changes: [...committed.subarray(at + 2, at + 2 + count)], failure: null })
    at += 2 + count
  }
  return results
}
