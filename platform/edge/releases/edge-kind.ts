/** The kind of document that makes an edge: what the guard of documents looks at before an edge does anything with one. */
import { EdgeDocument } from '../../../contract/edge.ts'
import type { ReleaseKind } from '../../releases/index.ts'

/** Not among the kinds of an instance: an edge is another machine, and takes its document with the instance dead. */
export const edgeKind: ReleaseKind<EdgeDocument> = {
  name: 'edge',
  schema: EdgeDocument,
  bounds: { maxBytes: 256 * 1024, maxValues: 2_000, maxDepth: 4, maxGrowth: 2 },
  goldenChecks: (document, lastGood) => [
    ...findContradictions(document),
    ...(lastGood === null ? [] : findBreaks(document, lastGood)),
  ],
}

/** What no single field can say. */
function findContradictions({ origins, shields, name, limits }: EdgeDocument): string[] {
  const found: string[] = []
  const names = [...origins, ...shields].map((source) => source.name)
  if (new Set(names).size !== names.length) found.push('Two sources have the same name.')
  if (new Set(origins.map(({ url }) => new URL(url).protocol)).size > 1)
    found.push('Origins are all over HTTP, or all over HTTPS.')
  if (shields.some((shield) => shield.name === name)) found.push('The edge is a shield of its own.')
  if (limits.segmentMaxBytes * 4 > limits.mirrorMaxBytes)
    found.push('The mirror has no room for four segments of the largest size.')
  return found
}

/** What would break with the one before. */
function findBreaks(document: EdgeDocument, lastGood: EdgeDocument): string[] {
  const found: string[] = []
  if (document.generation < lastGood.generation)
    found.push(`Its generation is ${document.generation}, and ${lastGood.generation} is in force.`)
  if (document.purged < lastGood.purged)
    found.push(`What is purged stays so: "purged" is ${lastGood.purged}.`)
  const isAnyNameKept =
    document.hosts.length === 0 ||
    lastGood.hosts.length === 0 ||
    lastGood.hosts.some((host) => document.hosts.includes(host))
  if (!isAnyNameKept) found.push('It answers to none of the names that people use.')
  return found
}
