import { expect, test } from 'vitest'
import type { Me } from '#lib/api/types.ts'
import { loadSession, session, setAccount, setUnreadCount } from './session.svelte.ts'

const account = (id: string): Me => ({
  id,
  handle: id,
  name: id,
  pictureUrl: null,
  bio: '',
  email: null,
  role: 'member',
  createdAt: '2026-01-01T00:00:00.000Z',
})

test('the server’s word on an account leaves the number of unread notifications as it is', async () => {
  setAccount(account('ada'))
  expect(session.unreadCount).toBeNull()
  setUnreadCount(3)
  await loadSession(Promise.resolve({ account: { ...account('ada'), name: 'Ada' } }))
  expect(session).toMatchObject({ account: { name: 'Ada' }, unreadCount: 3 })
})

test('the number is not carried over to another account, nor to who is signed out', () => {
  setAccount(account('ada'))
  setUnreadCount(3)
  setAccount(account('bob'))
  expect(session.unreadCount).toBeNull()
  setUnreadCount(2)
  setAccount(null)
  setUnreadCount(5)
  expect(session.unreadCount).toBeNull()
})
