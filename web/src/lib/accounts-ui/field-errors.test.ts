import { expect, test } from 'vitest'
import type { Problem } from '#lib/api/types.ts'
import { sortProblem } from './field-errors.ts'

const problem: Problem = {
  type: 'x',
  title: 'T',
  status: 400,
  detail: 'It does not fit',
  code: 'invalid-input',
  side: 'you',
  isWorkKept: true,
  next: 'Correct it.',
}
const NAMES = ['handle', 'password'] as const

test('what the server says of a field stands beside that field', () => {
  const sorted = sortProblem({ ...problem, fields: { handle: 'Too short.' } }, NAMES)
  expect(sorted).toEqual({ fields: { handle: 'Too short.' }, rest: null })
})

test('a taken handle is the handle’s, though no field is named', () => {
  const sorted = sortProblem({ ...problem, code: 'handle-taken' }, NAMES)
  expect(sorted).toEqual({ fields: { handle: 'It does not fit. Correct it.' }, rest: null })
})

test('a failure about no field of this form, or about one that it lacks, is shown whole', () => {
  const other = { ...problem, code: 'busy', side: 'us' as const }
  expect(sortProblem(other, NAMES)).toEqual({ fields: {}, rest: other })
  const foreign = { ...problem, fields: { operatorToken: 'Too long.' } }
  expect(sortProblem(foreign, NAMES)).toEqual({ fields: {}, rest: foreign })
})
