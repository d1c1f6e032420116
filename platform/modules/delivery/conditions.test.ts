import { expect, test } from 'vitest'
import { judgeConditions } from './conditions.ts'

const ETAG = '"abc"'
const SIZE = 1000
const judge = (range: string, sizeBytes = SIZE) => judgeConditions({ range }, ETAG, sizeBytes)
const part = (start: number, end: number) => ({ kind: 'part', range: { start, end } })

test('a range is cut at the end, a suffix counts from it', () => {
  expect(judge('bytes=0-0')).toEqual(part(0, 0))
  expect(judge('bytes=200-')).toEqual(part(200, 999))
  expect(judge('bytes=900-5000')).toEqual(part(900, 999))
  expect(judge('bytes=-1')).toEqual(part(999, 999))
  expect(judge('bytes=-5000')).toEqual(part(0, 999))
  expect(judge(' Bytes = 1 - 2 ')).toEqual(part(1, 2))
})

test('a range that begins behind the end can’t be had', () => {
  expect(judge('bytes=999-')).toEqual(part(999, 999))
  expect(judge('bytes=1000-')).toEqual({ kind: 'unsatisfiable' })
  expect(judge('bytes=-0')).toEqual({ kind: 'unsatisfiable' })
  expect(judge('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' })
  expect(judge('bytes=-5', 0)).toEqual({ kind: 'unsatisfiable' })
})

test('several ranges, other units and nonsense are answered whole', () => {
  for (const range of ['bytes=0-1,5-6', 'items=0-1', 'bytes=-', 'bytes=5-2', 'bytes=a-b', 'bytes=0-1;x', ''])
    expect(judge(range), range).toEqual({ kind: 'whole' })
})

test('an If-Range of this very ETag keeps the range; an older, weak or dated one drops it', () => {
  const withIfRange = (ifRange: string) => judgeConditions({ range: 'bytes=0-1', ifRange }, ETAG, SIZE).kind
  expect(withIfRange(ETAG)).toBe('part')
  for (const other of ['"old"', 'W/"abc"', 'Wed, 21 Oct 2026 07:28:00 GMT'])
    expect(withIfRange(other)).toBe('whole')
})

test('If-None-Match comes first, and is compared weakly, in lists and with *', () => {
  const judgeMatch = (ifNoneMatch: string) =>
    judgeConditions({ ifNoneMatch, range: 'bytes=0-1' }, ETAG, SIZE).kind
  for (const same of ['"abc"', '"x", "abc"', 'W/"abc"', '*']) expect(judgeMatch(same)).toBe('unchanged')
  expect(judgeMatch('"x"')).toBe('part')
})
