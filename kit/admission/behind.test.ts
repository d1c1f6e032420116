import { expect, test } from 'vitest'
import { NotAdmittedError, runBehind } from './behind.ts'
import { Ticket } from './core/index.ts'
import { Door } from './door.ts'
import { ClientGoneError, inScopeOf, Scope } from './scope.ts'

const openDoor = (waitMs = 60_000) =>
  new Door({ name: 'hashing', initial: 1, min: 1, isFixed: true, isCutting: false, waitMs })

/** Work that is done when the test says so. */
function createWork() {
  const begun: (() => void)[] = []
  const work = () => new Promise<void>((resolve) => begun.push(resolve))
  return { begun, work }
}

test('work waits for its turn, and a failure frees the place', async () => {
  const door = openDoor()
  const { begun, work } = createWork()
  const first = runBehind(door, () => work().then(() => Promise.reject(new Error('too salty'))))
  const second = runBehind(door, work)
  expect(begun).toHaveLength(1)

  begun[0]!()

  await expect(first).rejects.toThrow('too salty')
  await expect.poll(() => begun.length).toBe(2)
  begun[1]!()
  await second
  expect(door.gate.inFlight).toBe(0)
})

test('the class is that of the request for which it is done; work for no request comes after what people wait for', async () => {
  const door = openDoor()
  const { begun, work } = createWork()
  const order: string[] = []
  const run = (name: string, scope: Scope | null) =>
    inScopeOf(scope, () => runBehind(door, work)).then(() => order.push(name))
  const all = [
    run('first', null),
    run('telemetry', new Scope(3, Infinity, false)),
    run('a job', null),
    run('the feed', new Scope(1, Infinity, false)),
  ]
  for (let count = 1; count <= 4; count++) {
    await expect.poll(() => begun.length).toBe(count)
    begun[count - 1]!()
  }
  await Promise.all(all)
  expect(order).toEqual(['first', 'the feed', 'a job', 'telemetry'])
})

test('who waited for too long is told where, and when to come again; a job waits on', async () => {
  const door = openDoor(10)
  const { begun, work } = createWork()
  const first = runBehind(door, work)
  const job = runBehind(door, work)

  const refused = inScopeOf(new Scope(2, Infinity, false), () => runBehind(door, work))
  const error = await refused.catch((reason: unknown) => reason)

  expect(error).toBeInstanceOf(NotAdmittedError)
  expect(error).toMatchObject({ at: 'hashing', class: 2, refusal: 'waited' })
  expect((error as NotAdmittedError).retryAfterS).toBeGreaterThan(0)
  begun[0]!()
  await first
  await expect.poll(() => begun.length).toBe(2)
  begun[1]!()
  await job
})

test('work of a request alone is given up with its client before it has begun', async () => {
  const door = openDoor()
  const { begun, work } = createWork()
  const first = runBehind(door, work)
  const scope = new Scope(1, Infinity, true)
  const second = inScopeOf(scope, () => runBehind(door, work))
  expect(door.gate.waiting).toBe(1)

  scope.giveUp()

  await expect(second).rejects.toThrow(ClientGoneError)
  expect(door.gate.waiting).toBe(0)
  begun[0]!()
  await first
  expect(begun).toHaveLength(1)
})

test('work that throws before it begins frees the place', async () => {
  const door = openDoor()
  const broken = () => {
    throw new Error('no such key')
  }

  await expect(runBehind(door, broken)).rejects.toThrow('no such key')

  expect(door.gate.inFlight).toBe(0)
})

test('who stands for many at the door of the process does so behind it', async () => {
  const entered: Ticket[] = []
  class WatchedDoor extends Door {
    override enter(ticket: Ticket): void {
      entered.push(ticket)
      super.enter(ticket)
    }
  }
  const door = new WatchedDoor({ name: 'database' })
  const scope = new Scope(1, Infinity, false)
  scope.place = { door: new Door({ name: 'process' }), ticket: new Ticket(1, 0, 7) }
  scope.place.ticket.persons = 16

  await inScopeOf(scope, () => runBehind(door, async () => {}))

  expect(entered.map(({ person, persons }) => ({ person, persons }))).toEqual([{ person: 7, persons: 16 }])
})
