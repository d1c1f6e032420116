import { expect, test } from 'vitest'
import { ApiError, localProblem } from '#lib/api/problem.ts'
import { createOutbox, type OutboxAction, type OutboxEntry } from './outbox.ts'

const like = (videoId: string, isLiked = true): OutboxAction => ({
  kind: 'like',
  subject: `like:${videoId}`,
  method: isLiked ? 'PUT' : 'DELETE',
  path: `/videos/${videoId}/like`,
  accountId: 'ann',
})
const comment = (body: string): OutboxAction => ({
  kind: 'comment',
  subject: null,
  method: 'POST',
  path: '/videos/v/comments',
  body: { body },
  accountId: 'ann',
})
const failWith = (status: number, code = 'x') =>
  new ApiError(localProblem({ code, side: 'us', status, title: '', detail: '', next: '' }))
const offline = () =>
  new ApiError(localProblem({ code: 'offline', side: 'network', title: '', detail: '', next: '' }))

function createBox(answer: (entry: OutboxEntry) => unknown = () => ({}), accountId: string | null = 'ann') {
  const stored = new Map<string, OutboxEntry>()
  const sent: OutboxEntry[] = []
  const refused: OutboxEntry[] = []
  let counter = 0
  const world = { answer, accountId, isLocked: false }
  const outbox = createOutbox({
    storage: {
      readAll: async () => [...stored.values()],
      put: async (entry) => void stored.set(entry.id, entry),
      remove: async (ids) => ids.forEach((id) => stored.delete(id)),
    },
    async send(entry) {
      sent.push(entry)
      return world.answer(entry)
    },
    exclusively: async (work) => (world.isLocked ? undefined : work()),
    currentAccountId: () => world.accountId,
    now: () => 1000,
    makeId: () => `id${++counter}`,
    onChange: () => {},
    onSent: () => {},
    onRefused: (entry) => refused.push(entry),
  })
  return { outbox, stored, sent, refused, world }
}

test('actions are sent in the order in which they were taken', async () => {
  const { outbox, sent, stored } = createBox()
  await outbox.add(comment('one'))
  await outbox.add(like('v'))
  await outbox.add(comment('two'))
  expect(await outbox.flush()).toBe('done')
  expect(sent.map((entry) => entry.body ?? entry.path)).toEqual([
    { body: 'one' },
    '/videos/v/like',
    { body: 'two' },
  ])
  expect(stored.size).toBe(0)
})

test('without a network an action stays, and is sent later under the same key', async () => {
  const { outbox, sent, stored, world } = createBox(() => {
    throw offline()
  })
  await outbox.add(comment('hello'))
  expect(await outbox.flush()).toBe('waiting')
  expect(stored.size).toBe(1)
  world.answer = () => ({})
  expect(await outbox.flush()).toBe('done')
  expect(sent.map((entry) => entry.id)).toEqual(['id1', 'id1'])
})

test('the first action that has to wait holds back those after it', async () => {
  const { outbox, sent } = createBox(() => {
    throw failWith(503)
  })
  await outbox.add(comment('one'))
  await outbox.add(comment('two'))
  expect(await outbox.flush()).toBe('waiting')
  expect(sent).toHaveLength(1)
})

test('a like that is taken back before it was sent is sent once, as its end', async () => {
  const { outbox, sent } = createBox()
  await outbox.add(like('v'))
  await outbox.add(like('w'))
  await outbox.add(like('v', false))
  await outbox.flush()
  expect(sent.map((entry) => `${entry.method} ${entry.path}`)).toEqual([
    'PUT /videos/w/like',
    'DELETE /videos/v/like',
  ])
})

test('an action that is under way is not replaced: its opposite follows it', async () => {
  const { outbox, sent, world } = createBox()
  world.answer = async () => {
    world.answer = () => ({})
    await outbox.add(like('v', false))
  }
  await outbox.add(like('v'))
  await outbox.flush()
  expect(sent.map((entry) => entry.method)).toEqual(['PUT', 'DELETE'])
})

test('two equal comments are two comments', async () => {
  const { outbox, sent } = createBox()
  await outbox.add(comment('same'))
  await outbox.add(comment('same'))
  await outbox.flush()
  expect(sent).toHaveLength(2)
})

test('what the server refuses for good is dropped and told, and the rest goes on', async () => {
  const { outbox, sent, refused, stored } = createBox((entry) => {
    if (entry.kind === 'comment') throw failWith(403)
  })
  await outbox.add(comment('blocked'))
  await outbox.add(like('v'))
  expect(await outbox.flush()).toBe('done')
  expect(refused).toHaveLength(1)
  expect(sent).toHaveLength(2)
  expect(stored.size).toBe(0)
})

test('an action waits for its own account: nobody else sends it', async () => {
  const { outbox, sent, world } = createBox()
  await outbox.add(like('v'))
  world.accountId = 'bob'
  expect(await outbox.flush()).toBe('waiting')
  world.accountId = null
  expect(await outbox.flush()).toBe('waiting')
  expect(sent).toHaveLength(0)
  world.accountId = 'ann'
  expect(await outbox.flush()).toBe('done')
})

test('a session that has ended keeps the action for after the next sign-in', async () => {
  const { outbox, stored } = createBox(() => {
    throw failWith(401)
  })
  await outbox.add(like('v'))
  expect(await outbox.flush()).toBe('waiting')
  expect(stored.size).toBe(1)
})

test('an app that the server takes for too old keeps the action for the next build', async () => {
  const { outbox, stored } = createBox(() => {
    throw failWith(412, 'client-too-old')
  })
  await outbox.add(like('v'))
  expect(await outbox.flush()).toBe('waiting')
  expect(stored.size).toBe(1)
})

test('while another tab is sending, this one leaves it to it', async () => {
  const { outbox, sent, world } = createBox()
  await outbox.add(like('v'))
  world.isLocked = true
  expect(await outbox.flush()).toBe('busy')
  expect(sent).toHaveLength(0)
})

test('who signs out may drop what waits for them, and only that', async () => {
  const { outbox, stored, sent, world } = createBox(() => {
    throw offline()
  })
  await outbox.add(like('v'))
  await outbox.add({ ...comment('by bob'), accountId: 'bob' })
  await outbox.discard('ann')
  expect([...stored.values()].map((entry) => entry.accountId)).toEqual(['bob'])

  world.answer = () => ({})
  expect(await outbox.flush()).toBe('waiting')
  expect(sent).toEqual([])
})

test('a paused feature holds back its own actions only', async () => {
  const { outbox, sent, stored, world } = createBox((entry) => {
    if (entry.kind === 'comment') throw failWith(503, 'feature-paused')
  })
  await outbox.add(comment('one'))
  await outbox.add(comment('two'))
  await outbox.add(like('v'))
  expect(await outbox.flush()).toBe('waiting')
  expect(sent.map((entry) => entry.kind)).toEqual(['comment', 'like'])
  expect([...stored.values()].map((entry) => entry.kind)).toEqual(['comment', 'comment'])

  world.answer = () => ({})
  expect(await outbox.flush()).toBe('done')
  expect(sent.slice(2).map((entry) => entry.body)).toEqual([{ body: 'one' }, { body: 'two' }])
})

test('what the server has in its journal stays here, and is never sent again', async () => {
  const { outbox, sent, stored } = createBox(() => ({ isKept: true, id: 'c1' }))
  await outbox.add(comment('hello'))
  expect(await outbox.flush()).toBe('done')
  expect(await outbox.flush()).toBe('done')
  expect(sent).toHaveLength(1)
  expect([...stored.values()]).toMatchObject([{ id: 'id1', keptAnswer: { id: 'c1' } }])

  await outbox.settle((entry) => entry.kind === 'comment')
  expect(stored.size).toBe(0)
})

test('settling leaves alone what was not sent yet', async () => {
  const { outbox, stored } = createBox(() => {
    throw offline()
  })
  await outbox.add(like('v'))
  await outbox.settle(() => true)
  expect(stored.size).toBe(1)
})

test('who takes back a like that the journal has sends its opposite, and only that', async () => {
  const { outbox, sent, stored } = createBox(() => ({ isKept: true }))
  await outbox.add(like('v'))
  await outbox.flush()
  await outbox.add(like('v', false))
  await outbox.flush()
  expect(sent.map((entry) => entry.method)).toEqual(['PUT', 'DELETE'])
  expect([...stored.values()].map((entry) => entry.method)).toEqual(['DELETE'])
})
