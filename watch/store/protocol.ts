/**
 * What the store's two threads say to each other. A message is copied piece by piece, so pieces are what it costs: SQL goes
 * over once and is named by its number from then on; units, and what came of them, go as one flat list each.
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
      readonly units: readonly SqlValue[]
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
      readonly committed: readonly number[]
      readonly undone: readonly UnitResult[]
    }

/** Each unit as its id and the number of its statements; each of these as SQL, whether it must change, how many values, and they. */
export function encodeUnits(units: readonly WireUnit[]): SqlValue[] {
  const flat: SqlValue[] = []
  for (const { id, statements } of units) {
    flat.push(id, statements.length)
    for (const { sql, values, mustChange } of statements) {
      flat.push(sql, mustChange ? 1 : 0, values.length)
      for (const value of values) flat.push(value)
    }
  }
  return flat
}

/** What `encodeUnits` made a list of. */
export function decodeUnits(flat: readonly SqlValue[]): WireUnit[] {
  const units: WireUnit[] = []
  let at = 0
  // Written by `encodeUnits` only: what stands for a number is one.
  const next = () => flat[at++] as number
  while (at < flat.length) {
    const id = next()
    const statements = Array.from({ length: next() }, () => {
      const [sql, mustChange, valueCount] = [next(), next() === 1, next()]
      at += valueCount
      return { sql, mustChange, values: flat.slice(at - valueCount, at) }
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
  return { type: 'results', committed, undone }
}

/** What `encodeResults` made a message of. */
export function decodeResults({ committed, undone }: Extract<FromWriter, { type: 'results' }>): UnitResult[] {
  const results = [...undone]
  for (let at = 0; at < committed.length;) {
    const [id, count] = [committed[at]!, committed[at + 1]!]
    results.push({ id, changes: committed.slice(at + 2, at + 2 + count), failure: null })
    at += 2 + count
  }
  return results
}
