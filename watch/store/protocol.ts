/** What the store's two threads say to each other. SQL goes over once and is named by its number from then on. */
import type { SqlValue } from './types.ts'

export interface WireStatement {
  readonly sql: number
  readonly params: Readonly<Record<string, SqlValue>> | null
  readonly mustChange: boolean
}

export interface WireUnit {
  readonly id: number
  readonly statements: readonly WireStatement[]
}

export type ToWriter =
  | {
      readonly type: 'write'
      readonly newSql: readonly (readonly [number, string])[]
      readonly units: readonly WireUnit[]
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
  | { readonly type: 'results'; readonly results: readonly UnitResult[] }
