/** Looks at a document as at something hostile: size before reading, shape before schema, schema before what it does. */
import { GROWTH_FROM_BYTES, type ReleaseKind } from './release-kind.ts'

export interface Checked {
  readonly content: unknown
  /** What speaks against it, in words; empty: nothing. */
  readonly objections: readonly string[]
}

export interface LastGoodContent {
  readonly content: unknown
  readonly sizeBytes: number
}

/** Why it is not even read; null: it may be. */
export function objectToSize(
  { bounds }: Pick<ReleaseKind, 'bounds'>,
  sizeBytes: number,
  lastGoodBytes: number | null,
): string | null {
  if (sizeBytes === 0) return 'It is empty.'
  if (sizeBytes > bounds.maxBytes) return `It has ${sizeBytes} bytes; ${bounds.maxBytes} at most.`
  const isGrown =
    lastGoodBytes !== null &&
    lastGoodBytes >= GROWTH_FROM_BYTES &&
    sizeBytes > bounds.maxGrowth * lastGoodBytes
  return isGrown
    ? `It has ${sizeBytes} bytes, and the last good one ${lastGoodBytes}: more than ${bounds.maxGrowth} times as many.`
    : null
}

/** Never throws for what the document is; for what `goldenChecks` does, whoever calls it must be ready. */
export function checkDocument(kind: ReleaseKind, text: string, lastGood: LastGoodContent | null): Checked {
  const refuse = (objection: string): Checked => ({ content: null, objections: [objection] })
  const size = objectToSize(kind, Buffer.byteLength(text), lastGood?.sizeBytes ?? null)
  if (size !== null) return refuse(size)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    return refuse(`It is not JSON, or is cut off: ${(error as Error).message}`)
  }
  const shape = objectToShape(kind, parsed)
  if (shape !== null) return refuse(shape)
  const result = kind.schema.safeParse(parsed)
  if (!result.success) {
    const words = result.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.') || 'It'}: ${message}`)
    return { content: null, objections: words }
  }
  return { content: result.data, objections: kind.goldenChecks(result.data, lastGood?.content ?? null) }
}

/** Depth first, without recursion: what is nested a million deep must not end the process. */
function objectToShape({ bounds }: ReleaseKind, parsed: unknown): string | null {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: parsed, depth: 1 }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (++count > bounds.maxValues) return `It has more than ${bounds.maxValues} values.`
    if (depth > bounds.maxDepth + 1) return `It is nested more than ${bounds.maxDepth} deep.`
    if (typeof value === 'number' && !Number.isFinite(value)) return 'It has a number that is none.'
    if (typeof value !== 'object' || value === null) continue
    for (const one of Object.values(value)) open.push({ value: one, depth: depth + 1 })
  }
  return null
}
