import { expect, test } from 'vitest'
import { MAX_RECENT, withSearch } from './recent.ts'

test('the newest search comes first, and the same one is kept once', () => {
  expect(withSearch(['cats', 'dogs'], ' Dogs ')).toEqual(['Dogs', 'cats'])
})

test('an empty search is not remembered, and only so many are', () => {
  expect(withSearch(['cats'], '  ')).toEqual(['cats'])
  const many = Array.from({ length: 20 }, (_, i) => `q${i}`)
  expect(withSearch(many, 'new')).toHaveLength(MAX_RECENT)
})
