import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { levelOrdered, openOrderBook, type Kept, type OrderBookOptions } from './order-book.ts'

const WHO = { kind: 'command-line', user: 'alex' } as const

async function open(dataDir: string, clock = createFakeClock(), more: Partial<OrderBookOptions> = {}) {
  const expired: string[] = []
  const errors: unknown[] = []
  const book = await openOrderBook({
    dataDir,
    clock,
    onChange: () => {},
    onExpired: (what) => expired.push(what),
    onError: (error) => errors.push(error),
    ...more,
  })
  return { book, expired, errors }
}

const levelUntil = (clock: { now(): Date }, afterMs: number): NonNullable<Kept['level']> => ({
  level: 3,
  reason: 'new disks',
  who: WHO,
  since: clock.now().toISOString(),
  untilAt: new Date(clock.now().getTime() + afterMs).toISOString(),
})

test('what is ordered is in force at once and after a restart, until its time is over', async () => {
  await using dir = await makeTemporaryDir()
  const clock = createFakeClock()
  const first = await open(dir.path, clock)
  const level = levelUntil(clock, 60_000)
  const changed = first.book.change({ level })
  expect(first.book.inForce.level).toEqual(level)
  await changed
  first.book[Symbol.dispose]()

  clock.advance(59_999)
  const second = await open(dir.path, clock)
  expect(second.book.inForce.level).toEqual(level)
  expect(second.expired).toEqual([])
  second.book[Symbol.dispose]()

  clock.advance(1)
  const third = await open(dir.path, clock)
  expect(third.book.inForce.level).toBeNull()
  expect(third.expired).toEqual(['level 3'])
  third.book[Symbol.dispose]()
})

test('an order whose time is over while the supervisor runs is dropped, told, and gone from the disk', async () => {
  await using dir = await makeTemporaryDir()
  const clock = createFakeClock()
  const onChange = vi.fn<() => void>()
  const { book, expired } = await open(dir.path, clock, { onChange })
  const since = clock.now().toISOString()
  const untilAt = new Date(clock.now().getTime() + 20).toISOString()
  await book.change({ features: [{ feature: 'comments', reason: 'spam', who: WHO, since, untilAt }] })
  clock.advance(20)

  await eventually(() => expired.length > 0)

  expect(expired).toEqual(['pause of comments'])
  expect(book.inForce.features).toEqual([])
  expect(onChange).toHaveBeenCalledTimes(2)
  await eventually(
    async () => !(await readFile(join(dir.path, 'run', 'orders.json'), 'utf8')).includes('spam'),
  )
  book[Symbol.dispose]()
})

test('maintenance that was announced and never begun ends with its window; one that goes on does not', async () => {
  await using dir = await makeTemporaryDir()
  const clock = createFakeClock()
  const now = clock.now().getTime()
  const maintenance = {
    id: 'm1',
    state: 'announced' as const,
    startsAt: new Date(now + 1_000).toISOString(),
    endsAt: new Date(now + 2_000).toISOString(),
    text: 'new disks',
  }
  const first = await open(dir.path, clock)
  await first.book.change({ maintenance: { ...maintenance, state: 'under-way' }, maintenanceLevel: 2 })
  first.book[Symbol.dispose]()
  clock.advance(3_000)
  const second = await open(dir.path, clock)
  expect(second.book.inForce.maintenance?.state).toBe('under-way')
  await second.book.change({ maintenance })
  second.book[Symbol.dispose]()

  const third = await open(dir.path, clock)
  expect(third.book.inForce.maintenance).toBeNull()
  expect(third.expired).toHaveLength(1)
  third.book[Symbol.dispose]()
})

test('verifying ends with the supervisor: it is under way again', async () => {
  await using dir = await makeTemporaryDir()
  const clock = createFakeClock()
  const at = clock.now().toISOString()
  const first = await open(dir.path, clock)
  await first.book.change({
    maintenance: { id: 'm1', state: 'verifying', startsAt: at, endsAt: at, text: 'new disks' },
  })
  first.book[Symbol.dispose]()
  const second = await open(dir.path, clock)
  expect(second.book.inForce.maintenance?.state).toBe('under-way')
  second.book[Symbol.dispose]()
})

test('orders that can not be read keep nothing down, and are told', async () => {
  await using dir = await makeTemporaryDir()
  const first = await open(dir.path)
  await first.book.change({ maintenanceLevel: 1 })
  first.book[Symbol.dispose]()
  await writeFile(join(dir.path, 'run', 'orders.json'), '{"level": 9')

  const second = await open(dir.path)

  expect(second.book.inForce).toMatchObject({ level: null, features: [], maintenance: null })
  expect(second.errors).toHaveLength(1)
  second.book[Symbol.dispose]()
})

test('of an ordered level and one of maintenance, the worse one counts', () => {
  const clock = createFakeClock()
  const level = levelUntil(clock, 60_000)
  const at = clock.now().toISOString()
  const maintenance = { id: 'm', state: 'under-way' as const, startsAt: at, endsAt: at, text: 'new disks' }
  const kept: Kept = { level, features: [], maintenance, blocks: [], shapes: [], maintenanceLevel: 2 }
  expect(levelOrdered(kept)?.level).toBe(3)
  expect(levelOrdered({ ...kept, maintenanceLevel: 4 })).toMatchObject({ level: 4, reason: 'new disks' })
  expect(levelOrdered({ ...kept, level: null, maintenanceLevel: 0 })).toBeNull()
  expect(levelOrdered({ ...kept, level: null, maintenance: null })).toBeNull()
})
