/**
 * `bench rollback`: what goes wrong with releases, and how soon it is undone. The bad releases of code as processes, the bad files of
 * documents, and good ones, which have to get through: some as processes, the rest in the judge on recorded series.
 *
 * `bench rollback code` measures one part alone. Requests are sent until a release has ended; those of the ten minutes after its
 * start that are then still to come are reckoned, as those of the five seconds after its end went.
 */
import { measureCode } from './rollback/code.ts'
import { measureDocuments } from './rollback/documents.ts'
import type { RollbackPart } from './rollback/part.ts'
import { measureSeries } from './rollback/series.ts'
import type { BenchResult } from './support.ts'

const PARTS: Readonly<Record<string, (say: (line: string) => void) => Promise<RollbackPart>>> = {
  code: measureCode,
  documents: measureDocuments,
  series: measureSeries,
}

export async function run(): Promise<BenchResult> {
  const wanted = process.argv.slice(3)
  const unknown = wanted.filter((name) => !(name in PARTS))
  if (unknown.length > 0)
    throw new Error(`There is no part "${unknown.join(', ')}". There are: ${Object.keys(PARTS).join(', ')}`)
  const parts: RollbackPart[] = []
  for (const [name, measure] of Object.entries(PARTS))
    if (wanted.length === 0 || wanted.includes(name))
      parts.push(await measure((line) => console.error(`  ${name}: ${line}`)))
  return {
    name: 'rollback',
    rows: parts.flatMap(({ rows }) => rows),
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)) as BenchResult['figures'],
    fallsShort: parts.flatMap(({ fallsShort }) => fallsShort),
  }
}
