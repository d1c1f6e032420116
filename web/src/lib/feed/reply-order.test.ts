import { expect, test } from 'vitest'
import { inReplyOrder } from './reply-order.ts'

const reply = (id: string, minute: number, state = {}) => ({
  ...{ id, createdAt: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString() },
  ...{ isPending: false, isKept: false, ...state },
})

test('older replies that are read later stand above one’s own', () => {
  const own = reply('own', 9)
  expect(inReplyOrder([own, reply('first', 1), reply('second', 2)]).map(({ id }) => id)).toEqual([
    'first',
    'second',
    'own',
  ])
})

test('what is on its way stays last, in the order it was written, whatever this device’s clock says', () => {
  const written = [reply('kept', 1, { isKept: true }), reply('pending', 0, { isPending: true })]
  expect(inReplyOrder([...written, reply('there', 5)]).map(({ id }) => id)).toEqual([
    'there',
    'kept',
    'pending',
  ])
})
