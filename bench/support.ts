/** What every benchmark gives back, and how it is shown. */
export interface BenchRow {
  readonly what: string
  readonly ours: number
  /** From the same run; null where there is nothing to compare with. */
  readonly rival: number | null
  readonly unit: string
  /** In words; null: told for information. */
  readonly target: string | null
}

export interface BenchResult {
  readonly name: string
  readonly rows: readonly BenchRow[]
  readonly figures: Readonly<Record<string, number | string | null>>
  /** One sentence for each target that this run missed. */
  readonly fallsShort: readonly string[]
}

/** Prints the table, and last one line of JSON. */
export function printResult(result: BenchResult): void {
  const number = (value: number | null) =>
    value === null ? '' : value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 })
  console.table(
    result.rows.map((row) => ({
      [result.name]: row.what,
      ours: `${number(row.ours)} ${row.unit}`.trim(),
      rival: row.rival === null ? '' : `${number(row.rival)} ${row.unit}`.trim(),
      ratio: row.rival === null ? '' : (row.ours / row.rival).toFixed(2),
      target: row.target ?? '',
    })),
  )
  for (const line of result.fallsShort) console.log(`falls short: ${line}`)
  console.log(JSON.stringify({ bench: result.name, ...result.figures, fallsShort: result.fallsShort }))
}
