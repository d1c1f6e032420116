import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { checkDocument } from './check.ts'
import { openDocuments } from './documents.ts'
import { createFlags } from './flags.ts'
import { kindOf } from './kinds/index.ts'
import {
  documentsDirOf,
  openQuarantine,
  readBefore,
  readLastGood,
  resealDocuments,
  writeLastGood,
} from './store.ts'

const SECRET = 'a secret of at least thirty-two characters'
const log = createLog({ level: 'silent', base: {} })
const ranking = (points: object) => JSON.stringify({ model: 'a model', points })
const flags = (isOn: boolean) => JSON.stringify({ flags: { 'sign-up': { isOn } } })
const objectionsTo = (kind: string, text: string) => checkDocument(kindOf(kind)!, text, null).objections

test('what is sound passes, up to the last byte and value that its kind allows', () => {
  const { bounds } = kindOf('flags')!
  const atEdge = flags(true).padEnd(bounds.maxBytes)
  expect(objectionsTo('flags', atEdge)).toEqual([])
  expect(objectionsTo('flags', `${atEdge} `)).toHaveLength(1)
  expect(objectionsTo('ranking', ranking({ following: 0.8, liked: 0.4, tag: 0.9, chance: 0.1 }))).toEqual([])
  expect(objectionsTo('configuration', '{"levels":{"eventLoopMs":[100,200,400,1000,3000]}}')).toEqual([])
})

const BAD: Readonly<Record<string, readonly [string, string]>> = {
  empty: ['flags', ''],
  truncated: ['flags', flags(true).slice(0, -3)],
  'not a number': [
    'ranking',
    ranking({ following: 1, liked: 1, tag: 1 }).replace('"tag":1', '"tag":NaN,"chance":1'),
  ],
  infinite: [
    'ranking',
    ranking({ following: 1, liked: 1, tag: 1, chance: 0 }).replace('"chance":0', '"chance":1e999'),
  ],
  'nested a million deep': ['flags', '['.repeat(60_000) + ']'.repeat(60_000)],
  'of many values': ['flags', JSON.stringify(Array.from({ length: 5_000 }, () => 1))],
  'of another shape': ['flags', '{"flags":{"sign-up":{"isOn":"yes"}}}'],
  'a ranking by chance': ['ranking', ranking({ following: 0, liked: 0, tag: 0, chance: 10 })],
  'a level for an instance that is well': ['configuration', '{"levels":{"eventLoopMs":[1,2,3,4,5]}}'],
  'no relief for one on its knees': [
    'configuration',
    '{"levels":{"eventLoopMs":[50000,51000,52000,53000,54000],"memoryShare":[0.991,0.992,0.993,0.994,0.995]}}',
  ],
}
for (const [name, [kind, text]] of Object.entries(BAD))
  test(`what is ${name} is refused, in words`, () => {
    expect(objectionsTo(kind, text).join(' ')).not.toBe('')
  })

test('a document twice as large as the last good one is refused', () => {
  const kind = kindOf('flags')!
  const of = (count: number) =>
    JSON.stringify({
      flags: Object.fromEntries(Array.from({ length: count }, (_, n) => [`flag-${n}`, { isOn: true }])),
    })
  const lastGood = { content: JSON.parse(of(50)), sizeBytes: of(50).length }
  expect(checkDocument(kind, of(80), lastGood).objections).toEqual([])
  expect(checkDocument(kind, of(100), lastGood).objections).toHaveLength(1)
})

test('a damaged or forged last good one gives way to the one before, and both to the code’s defaults', async () => {
  await using dir = await makeTemporaryDir()
  await writeLastGood(dir.path, SECRET, { kind: 'flags', text: flags(false), at: new Date() })
  await writeLastGood(dir.path, SECRET, { kind: 'flags', text: flags(true), at: new Date() })
  expect((await readLastGood(dir.path, 'flags', SECRET)).good?.text).toBe(flags(true))

  await appendFile(join(documentsDirOf(dir.path), 'flags', 'good'), 'rot')
  expect((await readLastGood(dir.path, 'flags', SECRET)).good?.text).toBe(flags(false))
  expect(await readLastGood(dir.path, 'flags', 'another secret, of somebody else, as long')).toMatchObject({
    good: null,
    damage: [expect.any(Error), expect.any(Error)],
  })
})

test('a new secret takes over: what lies under the one before is read meanwhile, and sealed again', async () => {
  await using dir = await makeTemporaryDir()
  const fresh = 'a secret that was made after a break-in'
  for (const isOn of [false, true])
    await writeLastGood(dir.path, SECRET, { kind: 'flags', text: flags(isOn), at: new Date() })
  expect((await readLastGood(dir.path, 'flags', fresh)).good).toBeNull()
  expect((await readLastGood(dir.path, 'flags', [fresh, SECRET])).good?.text).toBe(flags(true))

  for (let n = 1; n <= 2; n++) await resealDocuments(dir.path, SECRET, fresh)
  expect((await readLastGood(dir.path, 'flags', fresh)).good?.text).toBe(flags(true))
  expect((await readBefore(dir.path, 'flags', fresh))?.text).toBe(flags(false))
  expect((await readLastGood(dir.path, 'flags', SECRET)).good).toBeNull()
})

test('flags are answered from the document in force, and from the code where none says so', async () => {
  await using dir = await makeTemporaryDir()
  const documents = await openDocuments({ dataDir: dir.path, secrets: SECRET, log, candidate: null })
  const asked = await createFlags(documents)
  expect(await asked.isOn('sign-up')).toBe(true)

  await writeLastGood(dir.path, SECRET, { kind: 'flags', text: flags(false), at: new Date() })
  await documents.reload()
  expect(await asked.isOn('sign-up')).toBe(false)
  expect(await asked.isOn('new-voices')).toBe(true)

  // Nothing readable is left: what is in memory was good.
  for (const name of ['good', 'good.before'])
    await writeFile(join(documentsDirOf(dir.path), 'flags', name), 'rot')
  await documents.reload()
  expect(await asked.isOn('sign-up')).toBe(false)
})

test('a share of the people has a flag, always the same ones', async () => {
  await using dir = await makeTemporaryDir()
  const text = JSON.stringify({ flags: { 'new-voices': { isOn: false, share: 0.3 } } })
  await writeLastGood(dir.path, SECRET, { kind: 'flags', text, at: new Date() })
  const asked = await createFlags(
    await openDocuments({ dataDir: dir.path, secrets: SECRET, log, candidate: null }),
  )
  const people = Array.from({ length: 500 }, (_, n) => `person-${n}`)
  const first = await Promise.all(people.map((person) => asked.isOn('new-voices', person)))
  expect(await Promise.all(people.map((person) => asked.isOn('new-voices', person)))).toEqual(first)
  const off = first.filter((isOn) => !isOn).length / people.length
  expect(off).toBeGreaterThan(0.2)
  expect(off).toBeLessThan(0.4)
})

test('what is in quarantine stays there through a restart', async () => {
  await using dir = await makeTemporaryDir()
  const entry = { kind: 'flags', hash: 'ab'.repeat(32), reason: 'It failed.', at: new Date().toISOString() }
  await (await openQuarantine(dir.path)).add(entry)
  expect((await openQuarantine(dir.path)).reasonOf(entry.hash)).toBe('It failed.')
})
