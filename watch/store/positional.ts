/** SQL by position: names are for those who write it, and cost each time that values are bound by them. */
import type { SqlValue } from './types.ts'

export interface PositionalSql {
  /** With `?` in place of each name. */
  readonly text: string
  /** One for each `?`. */
  readonly names: readonly string[]
  readonly distinctNames: number
}

/** Quoted text and comments, in which a colon is no name; or a name. */
const PARTS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|:([A-Za-z_]\w*)/g

export function toPositional(sql: string): PositionalSql {
  const names: string[] = []
  const text = sql.replace(PARTS, (part, name: string | undefined) => {
    if (name === undefined) return part
    names.push(name)
    return '?'
  })
  return { text, names, distinctNames: new Set(names).size }
}

/**
 * The values in the order of the names.
 *
 * @throws {RangeError} when a value is missing, or one is there that nothing asks for
 */
export function valuesInOrder(
  { text, names, distinctNames }: PositionalSql,
  params: Readonly<Record<string, SqlValue>>,
): SqlValue[] {
  const values = names.map((name) => {
    const value = params[name]
    if (value === undefined) throw new RangeError(`There is no value for :${name} of "${text}".`)
    return value
  })
  // None is missing: more keys than names are keys that no name stands for.
  if (Object.keys(params).length > distinctNames)
    throw new RangeError(`There is a value that "${text}" does not ask for.`)
  return values
}
