import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRestoration, type Restoration, type Step, type StepSignals } from './restoration.ts'

const step = (name: string, after: string[] = [], needs: Step['needs'] = []): Step => ({
  name,
  after,
  needs,
  holds: {},
  level: 0,
})
const GOOD: StepSignals = { window: { count: 50, okCount: 50, p99Ms: 20 } }
const BAD: StepSignals = { window: { count: 50, okCount: 40, p99Ms: 20 } }
const CROWD: StepSignals = { waitingPerS: 5_000 }

/** Looks every 250 ms. */
function looker(restoration: Restoration) {
  let nowMs = 0
  return (steps: Record<string, StepSignals> = {}, looks = 1, isUp = (_name: string) => true) => {
    for (let look = 0; look < looks; look++)
      restoration.observe({ isUp, capacityPerS: 1_000, steps }, (nowMs += 250))
    return restoration.steps.map(({ name, share }) => `${name} ${share}`)
  }
}

test('a step that nobody waits for opens at once, after those before it', () => {
  const look = looker(createRestoration([step('a'), step('b', ['a'])]))
  expect(look()).toEqual(['a 1', 'b 1'])
})

test('a step whose probe fails holds up those after it, and no others', () => {
  const look = looker(createRestoration([step('a'), step('b', ['a']), step('c')]))
  expect(look({ a: { probe: false } }, 10)).toEqual(['a 0', 'b 0', 'c 1'])
})

test('a step that can not open for want of what it needs holds up nobody', () => {
  const look = looker(createRestoration([step('uploads', [], ['ingest']), step('backlog', ['uploads'])]))
  expect(look({}, 1, (name) => name !== 'ingest')).toEqual(['uploads 0', 'backlog 1'])
})

test('a crowd is let in at 5, 25 and 100 %, each after a second of good windows', () => {
  const look = looker(createRestoration([step('a')]))
  expect(look({ a: CROWD })).toEqual(['a 0.05'])
  expect(look({ a: GOOD }, 3)).toEqual(['a 0.05'])
  expect(look({ a: GOOD })).toEqual(['a 0.25'])
  expect(look({ a: GOOD }, 4)).toEqual(['a 1'])
})

test('a crowd no larger than what can be served is no crowd', () => {
  const look = looker(createRestoration([step('a')]))
  expect(look({ a: { waitingPerS: 1_000 } })).toEqual(['a 1'])
})

test('a failing gate steps back its own step alone; at its beginning it closes, and pauses longer each time', () => {
  const restoration = createRestoration([step('a'), step('b')])
  const look = looker(restoration)
  look({ a: CROWD })
  expect(look({ a: GOOD }, 4)).toEqual(['a 0.25', 'b 1'])
  expect(look({ a: BAD })).toEqual(['a 0.05', 'b 1'])
  expect(look({ a: BAD })).toEqual(['a 0', 'b 1'])
  expect(look({ a: CROWD }, 3)).toEqual(['a 0', 'b 1'])
  expect(look({ a: CROWD })).toEqual(['a 0.05', 'b 1'])
  look({ a: BAD })
  expect(look({ a: CROWD }, 7)).toEqual(['a 0', 'b 1'])
  expect(look({ a: CROWD })).toEqual(['a 0.05', 'b 1'])
  expect(restoration.timeline.at(-2)?.why).toBe('the gate failed: 40 of 50 succeeded, p99 20 ms')
})

test.each([
  ['99 of 100', { count: 100, okCount: 99, p99Ms: 1_000 }, 0.25],
  ['98 of 100', { count: 100, okCount: 98, p99Ms: 1_000 }, 0],
  ['late', { count: 100, okCount: 100, p99Ms: 1_001 }, 0],
  ['too few to say', { count: 4, okCount: 0, p99Ms: 20 }, 0.25],
])('the gate at its edges: %s', (_name, window, share) => {
  const look = looker(createRestoration([step('a')]))
  look({ a: CROWD })
  expect(look({ a: { window } }, share > 0 ? 4 : 1)).toEqual([`a ${share}`])
})

test('what loses what it needs closes at once, and those that need it no less stay', () => {
  const look = looker(createRestoration([step('a', [], ['database']), step('b', ['a'])]))
  look()
  expect(look({}, 1, () => false)).toEqual(['a 0', 'b 1'])
})

test('a step can not come before what it comes after', () => {
  expect(() => createRestoration([step('b', ['a']), step('a')])).toThrow(RangeError)
})

test('whatever happens, no step begins before those before it, and calm opens all', () => {
  const steps = [step('a'), step('b', ['a'], ['database']), step('c', ['b'], ['database']), step('d', ['a'])]
  const signals = fc.record({
    isUp: fc.boolean(),
    of: fc.array(fc.constantFrom<StepSignals>(GOOD, BAD, CROWD, {}, { probe: false }), {
      minLength: 4,
      maxLength: 4,
    }),
  })
  fc.assert(
    fc.property(fc.array(signals, { maxLength: 60 }), (schedule) => {
      const restoration = createRestoration(steps)
      const look = looker(restoration)
      let before = restoration.steps
      for (const { isUp, of } of schedule) {
        look(Object.fromEntries(steps.map(({ name }, at) => [name, of[at]!])), 1, () => isUp)
        const now = restoration.steps
        for (const [at, { after, needs }] of steps.entries()) {
          const began = before[at]!.state === 'closed' && now[at]!.state !== 'closed'
          if (began)
            for (const name of after) {
              const other = steps.findIndex((each) => each.name === name)
              expect(now[other]!.state === 'open' || (steps[other]!.needs.length > 0 && !isUp)).toBe(true)
            }
          if (needs.length > 0 && !isUp) expect(now[at]!.state).toBe('closed')
        }
        before = now
      }
      look({}, 400)
      expect(restoration.steps.every(({ state }) => state === 'open')).toBe(true)
    }),
  )
})
