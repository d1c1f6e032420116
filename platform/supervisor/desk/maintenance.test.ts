import { afterEach, expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createMaintenanceDesk, type MaintenanceOptions } from './maintenance.ts'
import { openOrderBook } from './order-book.ts'

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]()
})

async function create(more: Partial<MaintenanceOptions> = {}) {
  const dir = await makeTemporaryDir()
  opened.push(dir)
  const clock = createFakeClock()
  const book = await openOrderBook({
    dataDir: dir.path,
    clock,
    onChange: () => {},
    onExpired: () => {},
    onError: () => {},
  })
  const desk = createMaintenanceDesk({
    book,
    clock,
    countUnderWay: () => 0,
    findProblems: async () => [],
    signal: new AbortController().signal,
    ...more,
  })
  const at = (afterS: number) => new Date(clock.now().getTime() + afterS * 1_000).toISOString()
  const announce = (startS: number, endS: number) =>
    desk.announce({ type: 'announce-maintenance', startsAt: at(startS), endsAt: at(endS), text: 'New disks' })
  const begin = (level: 0 | 1 | 2 | 3 | 4 | 5 = 0) => desk.begin({ type: 'begin-maintenance', level })
  const end = (isDespiteProblems = false) => desk.end({ type: 'end-maintenance', isDespiteProblems })
  return { desk, book, clock, announce, begin, end, at }
}

test('it is announced, begun when everything has ended, verified, and over', async () => {
  const { book, announce, begin, end } = await create()
  expect((await announce(3_600, 7_200)).outcome.state).toBe('done')
  expect(book.inForce.maintenance).toMatchObject({ state: 'announced', text: 'New disks' })

  const begun = await begin(3)
  expect(begun.outcome.state).toBe('begun')
  expect(await begun.ended).toMatchObject({ state: 'done' })
  expect(book.inForce).toMatchObject({ maintenance: { state: 'under-way' }, maintenanceLevel: 3 })

  const ended = await end()
  expect(book.inForce.maintenance?.state).toBe('verifying')
  expect(await ended.ended).toMatchObject({ state: 'done' })
  expect(book.inForce).toMatchObject({ maintenance: null, maintenanceLevel: null })
})

test('the level falls only when what was under way has ended', async () => {
  let left = 2
  const { book, announce, begin } = await create({ countUnderWay: () => left-- })
  await announce(0, 600)
  const begun = await begin(5)
  expect(book.inForce.maintenanceLevel).toBe(0)
  await begun.ended
  expect(book.inForce.maintenanceLevel).toBe(5)
})

test('where a check finds a problem, it stays closed unless it is told otherwise', async () => {
  const { book, announce, begin, end } = await create({ findProblems: async () => ['Disk: it is full.'] })
  await announce(0, 600)
  await (
    await begin()
  ).ended

  expect(await (await end()).ended).toEqual({
    state: 'failed',
    detail: 'It stays closed. Disk: it is full.',
  })
  expect(book.inForce.maintenance?.state).toBe('under-way')
  expect(await (await end(true)).ended).toMatchObject({ state: 'done' })
  expect(book.inForce.maintenance).toBeNull()
})

test('what can not be verified counts as a problem', async () => {
  const { book, announce, begin, end } = await create({
    findProblems: () => Promise.reject(new Error('the doctor died')),
  })
  await announce(0, 600)
  await (
    await begin()
  ).ended
  expect(await (await end()).ended).toMatchObject({ detail: expect.stringContaining('the doctor died') })
  expect(book.inForce.maintenance?.state).toBe('under-way')
})

test('a window that ends before it starts, is over, or is longer than a day is refused; a day is not', async () => {
  const { announce } = await create()
  expect((await announce(60, 60)).outcome.state).toBe('refused')
  expect((await announce(-60, 0)).outcome.state).toBe('refused')
  expect((await announce(60, 60 + 86_401)).outcome.state).toBe('refused')
  expect((await announce(60, 60 + 86_400)).outcome.state).toBe('done')
})

test('it can be cancelled before it begins and lengthened while it goes on, not the other way round', async () => {
  const { desk, book, announce, begin, end, at } = await create()
  expect((await begin()).outcome).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining('Announce'),
  })
  expect((await desk.cancel()).outcome.state).toBe('refused')
  await announce(60, 600)
  expect((await end()).outcome.state).toBe('refused')
  expect((await desk.cancel()).outcome.state).toBe('done')
  await announce(60, 600)
  await (
    await begin()
  ).ended
  expect((await begin()).outcome.state).toBe('refused')
  expect((await desk.cancel()).outcome.state).toBe('refused')

  const { startsAt } = book.inForce.maintenance!
  await announce(60, 1_200)
  expect(book.inForce.maintenance).toMatchObject({ state: 'under-way', startsAt, endsAt: at(1_200) })
})

test('one that is begun early starts then, for everyone who is told of it', async () => {
  const { book, clock, announce, begin } = await create()
  await announce(3_600, 7_200)
  await begin()
  expect(book.inForce.maintenance?.startsAt).toBe(clock.now().toISOString())
})
