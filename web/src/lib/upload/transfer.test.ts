import { expect, test } from 'vitest'
import { isWorthWaiting, problemOfAnswer } from './transfer.ts'

const told = {
  type: '/x',
  title: 'T',
  status: 409,
  detail: 'D',
  code: 'offset-conflict',
  side: 'us',
  isWorkKept: true,
  next: 'N',
}

test('the server’s own words are kept', () => {
  expect(problemOfAnswer(409, JSON.stringify(told))).toEqual(told)
})

test('an answer without words gets ours, with its status', () => {
  expect(problemOfAnswer(404, 'Not found')).toMatchObject({ code: 'upload-gone', isWorkKept: false })
  expect(problemOfAnswer(502, '<html>')).toMatchObject({ code: 'server-fault', isWorkKept: true })
  expect(problemOfAnswer(415, '')).toMatchObject({ code: 'tus-refused', status: 415 })
})

test('what passes by itself is waited for, what doesn’t is said', () => {
  const waits = (status: number) => isWorthWaiting({ ...told, side: 'us', status })
  expect([409, 423, 429, 460, 500, 503, 507].map(waits)).toEqual(Array(7).fill(true))
  expect([400, 401, 403, 404, 410, 413, 415].map(waits)).toEqual(Array(7).fill(false))
})
