/** `npm run -s watch -- score FILE.csv`: how unusual each row of `timestamp,value` is. Causal; the same setting for all. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { once } from 'node:events'
import { createSeriesScorer } from '../engines/detect/index.ts'

const HEADER = 'timestamp,value,score'
const DIGITS = 6

/**
 * Reads `timestamp,value` (a header is skipped, further columns are ignored), writes `timestamp,value,score`.
 *
 * Timestamps are kept as they are written; they are read as dates, or as seconds or milliseconds since 1970, taken as
 * UTC when they name no zone. A value that is no number keeps its row and scores 0.
 *
 * @throws {Error} when the file can't be read, with the system's reason as `cause`; nothing is written then.
 */
export async function scoreFile(path: string, output: Writable = process.stdout): Promise<void> {
  const input = createReadStream(path, 'utf8')
  await once(input, 'open').catch((cause: unknown) => {
    throw new Error(`${path} can't be read.`, { cause })
  })
  const scorer = createSeriesScorer()
  let isFirst = true
  await write(output, `${HEADER}\n`)
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const [timestamp = '', text = ''] = splitRow(line)
    const isHeader = isFirst && text.trim() !== '' && readValue(text) === null
    isFirst = false
    if (line.trim() === '' || isHeader) continue
    const score = scorer.score({ atMs: readTime(timestamp), value: readValue(text) })
    await write(output, `${timestamp},${text},${score.toFixed(DIGITS)}\n`)
  }
}

async function write(output: Writable, text: string): Promise<void> {
  if (!output.write(text)) await once(output, 'drain')
}

/** Cells of a row; quotes around a cell go, and no cell of ours holds a comma. */
const splitRow = (line: string): string[] =>
  line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((cell) => cell.replace(/^\s*"(.*)"\s*$/, '$1'))

function readValue(text: string): number | null {
  const value = Number(text.trim() === '' ? Number.NaN : text)
  return Number.isFinite(value) ? value : null
}

/** The year 2286 in seconds; larger numbers are milliseconds. */
const SECONDS_MAX = 1e10

function readTime(text: string): number | null {
  const trimmed = text.trim()
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) {
    const number = Number(trimmed)
    return Math.abs(number) < SECONDS_MAX ? number * 1000 : number
  }
  // Without a zone the language would take the machine's own, and the score would depend on where it runs.
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(trimmed)
  const parsed = Date.parse(hasZone ? trimmed : `${trimmed.replace(' ', 'T')}Z`)
  return Number.isNaN(parsed) ? null : parsed
}
