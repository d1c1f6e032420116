import { expect, test } from 'vitest'
import { fateOf } from './kept-fate.ts'

const at = (id: string, minute: number) => ({ id, createdAt: new Date(minute * 60_000).toISOString() })
const kept = at('kept', 10)

test('a kept comment that is in the list was posted', () => {
  expect(fateOf(kept, [at('newer', 13), at('kept', 12)], false)).toBe('posted')
})

test('where the list reaches back beyond the promise and lacks it, it was not posted', () => {
  expect(fateOf(kept, [at('newer', 12), at('older', 9)], false)).toBe('not-posted')
  expect(fateOf(kept, [at('newer', 12)], true)).toBe('not-posted')
  expect(fateOf(kept, [], true)).toBe('not-posted')
})

test('a page full of what was written since does not tell', () => {
  expect(fateOf(kept, [at('newest', 14), at('newer', 12)], false)).toBe('unknown')
})
