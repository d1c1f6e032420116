/** The store as the rest of the watch sees it. */

export type SqlValue = string | number | bigint | null | Uint8Array

export interface Statement {
  readonly sql: string
  /** Named: `:name` in the SQL is `name` here. */
  readonly params?: Readonly<Record<string, SqlValue>>
  /** The whole unit is undone unless this one changes a row: how races are settled. */
  readonly mustChange?: boolean
}

export interface Store extends AsyncDisposable {
  /**
   * Writes the statements as one unit, in order with all others. Answers once they are on the disk, with how many rows
   * each changed.
   *
   * @throws {WatchError} changed-meanwhile when a `mustChange` changed nothing; storage-unavailable when the disk refuses.
   */
  write(statements: readonly Statement[]): Promise<number[]>
  /** All rows, from a read-only connection: what has been written is seen once `write` has answered. */
  all<Row>(sql: string, params?: Readonly<Record<string, SqlValue>>): Row[]
  /** The first row. */
  get<Row>(sql: string, params?: Readonly<Record<string, SqlValue>>): Row | undefined
}
