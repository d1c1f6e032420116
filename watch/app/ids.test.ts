import { expect, test } from 'vitest'
import { componentId, createRandomIds, stableId } from './ids.ts'

test('an id is twelve lower-case letters and digits, as Statuspage’s clients expect', () => {
  const newId = createRandomIds()
  const ids = Array.from({ length: 2_000 }, newId)
  expect(ids.every((id) => /^[a-z0-9]{12}$/.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(2_000)
})

test('no two ids come from the same bytes, however many are asked for', () => {
  let given = 0n
  const countUp = (count: number) => {
    const bytes = Buffer.alloc(count)
    for (let at = 0; at < count; at += 8) bytes.writeBigUInt64BE(given++, at)
    return bytes
  }
  const ids = Array.from({ length: 2_000 }, createRandomIds(countUp))
  expect(new Set(ids).size).toBe(2_000)
})

test('the id of a text stays what it was in versions before', () => {
  expect([stableId('a'), stableId('incident/test'), componentId('upbeat', 'feed')]).toEqual([
    '8ky5ft85r26c',
    'it0o2wmvji2g',
    't5bp36itskbc',
  ])
})
