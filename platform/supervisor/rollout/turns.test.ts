import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const { signal } = new AbortController()

test('a release of code waits for the document on trial, and is told what it waits for', async () => {
  const turns = createTurns()
  const happened: string[] = []
  const first = await turns.take('the flags document', signal)
  expect(turns.last).toBe('the flags document')
  const second = turns.take('v2', signal).then((turn) => {
    happened.push('code begins')
    turn[Symbol.dispose]()
  })
  const third = turns.take('the ranking document', signal).then((turn) => {
    happened.push('ranking begins')
    turn[Symbol.dispose]()
  })
  expect(turns.last).toBe('the ranking document')
  await Promise.resolve()
  expect(happened).toEqual([])

  happened.push('flags end')
  first[Symbol.dispose]()
  await Promise.all([second, third])

  expect(happened).toEqual(['flags end', 'code begins', 'ranking begins'])
  expect(turns.last).toBeNull()
})

test('one that is called off while it waits holds nobody up', async () => {
  const turns = createTurns()
  const first = await turns.take('the flags document', signal)
  const ending = new AbortController()
  const calledOff = turns.take('v2', ending.signal)
  const next = turns.take('v3', signal)

  ending.abort(new Error('Not this one.'))

  await expect(calledOff).rejects.toThrow('Not this one.')
  expect(turns.last).toBe('v3')
  first[Symbol.dispose]()
  await expect(next).resolves.toBeDefined()
})
