/** Checks one document, in a process of its own that may die of it: `node check-process.ts KIND FILE [LAST-GOOD]`. */
import { readFileSync, statSync } from 'node:fs'
import { checkDocument, objectToSize } from './check.ts'
import { kindOf } from './kinds/index.ts'

const [name = '', path = '', lastGoodPath] = process.argv.slice(2)
const kind = kindOf(name)
if (!kind) throw new Error(`There is no kind of document called "${name}".`)
const lastGoodText = lastGoodPath === undefined ? null : readFileSync(lastGoodPath, 'utf8')
const lastGood =
  lastGoodText === null
    ? null
    : { content: kind.schema.parse(JSON.parse(lastGoodText)), sizeBytes: Buffer.byteLength(lastGoodText) }
const size = objectToSize(kind, statSync(path).size, lastGood?.sizeBytes ?? null)
const objections =
  size === null ? checkDocument(kind, readFileSync(path, 'utf8'), lastGood).objections : [size]
process.stdout.write(JSON.stringify({ objections }))
