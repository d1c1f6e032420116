import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { prefixesOf } from '../../../kit/network/prefixes.ts'
import { frontSizeBytes } from './front.ts'
import { createAbuseLimits, type Asker, type Penalty } from './limits.ts'
import type { LineStanding } from './standings.ts'

const RATES = { addressPerS: 10, networkPerS: 50, personPerS: 5 }

function create() {
  const told: LineStanding[] = []
  const clock = createFakeClock()
  const begun: Penalty[] = []
  const limits = createAbuseLimits({
    rates: RATES,
    clock,
    seed: 3,
    onPenalty: (each) => void begun.push(each),
    onStanding: (line, standing) => void told.push({ line, standing }),
  })
  return { clock, limits, begun, told }
}

const stranger = (address: string): Asker => ({ ...prefixesOf(address), person: null, pass: null })
const known = (person: string, address = '192.0.2.1'): Asker => ({
  ...prefixesOf(address),
  person,
  pass: null,
})

/** How many of so many are let through. */
const countPassed = (count: number, judge: () => unknown): number =>
  Array.from({ length: count }, judge).filter((refused) => refused === null).length

test('an address has its burst, to the request, and then its rate', () => {
  const { clock, limits } = create()
  expect(countPassed(101, () => limits.judge(stranger('192.0.2.1'), 'open'))).toBe(100)
  expect(limits.judge(stranger('192.0.2.1'), 'open')).toMatchObject({ reason: 'address', waitMs: 100 })
  clock.advance(1_000)
  expect(countPassed(11, () => limits.judge(stranger('192.0.2.1'), 'open'))).toBe(10)
  expect(limits.judge(stranger('192.0.2.2'), 'open')).toBeNull()
})

test('a network has its own, however many addresses share it', () => {
  const { limits } = create()
  let at = 0
  expect(countPassed(1_000, () => limits.judge(stranger(`192.0.2.${at++ % 200}`), 'open'))).toBe(500)
  expect(limits.judge(stranger('192.0.2.250'), 'open')).toMatchObject({ reason: 'network' })
  expect(limits.judge(stranger('192.0.3.1'), 'open')).toBeNull()
  let host = 0
  expect(
    countPassed(1_000, () => limits.judge(stranger(`2001:db8:1:${(host++).toString(16)}::1`), 'open')),
  ).toBe(500)
  expect(limits.judge(stranger('2001:db8:2::1'), 'open')).toBeNull()
})

test('who is known counts alone: neither a neighbour who floods nor a proof that is wanted matters', () => {
  const { limits } = create()
  limits.isProofWanted = true
  for (let at = 0; at < 10_000; at++) limits.judge(stranger('192.0.2.1'), 'gated')
  expect(limits.penaltyOf('192.0.2.1')).not.toBeNull()
  expect(countPassed(51, () => limits.judge(known('anna'), 'gated'))).toBe(50)
  expect(limits.judge(known('anna'), 'gated')).toMatchObject({ reason: 'person' })
  expect(limits.judge(known('berta'), 'gated')).toBeNull()
})

test('while a proof is wanted, strangers without one get only what is open', () => {
  const { limits } = create()
  expect(limits.judge(stranger('192.0.2.1'), 'gated')).toBeNull()
  limits.isProofWanted = true
  expect(limits.judge(stranger('192.0.2.1'), 'gated')).toMatchObject({ reason: 'proof' })
  expect(limits.judge(stranger('192.0.2.1'), 'open')).toBeNull()
  expect(limits.judge({ ...stranger('192.0.2.1'), pass: 'proof 1' }, 'gated')).toBeNull()
})

test('who goes on after sixty refusals in a minute is kept out: a minute, two, … ten at the most', () => {
  const { clock, limits, begun } = create()
  limits.isProofWanted = true
  const goOn = (times: number) => {
    for (let at = 0; at < times; at++) limits.judge(stranger('192.0.2.1'), 'gated')
  }
  goOn(60)
  expect(begun).toHaveLength(0)
  goOn(1)
  expect(begun).toMatchObject([{ line: '192.0.2.1', times: 1, untilMs: clock.monotonicMs() + 60_000 }])
  expect(limits.judge(stranger('192.0.2.1'), 'open')).toMatchObject({ reason: 'penalty', waitMs: 60_000 })
  const spansMs: number[] = []
  for (let round = 0; round < 5; round++) {
    clock.advance(limits.penalties(1)[0]!.untilMs - clock.monotonicMs())
    expect(limits.penaltyOf('192.0.2.1')).toBeNull()
    goOn(61)
    spansMs.push(limits.penalties(1)[0]!.untilMs - clock.monotonicMs())
  }
  expect(spansMs).toEqual([120_000, 240_000, 480_000, 600_000, 600_000])
  expect(limits.lift('192.0.2.1')).toBe(true)
  expect(limits.judge(stranger('192.0.2.1'), 'open')).toBeNull()
})

test('where somebody known came from is told once, and again before it is forgotten, also of who never left', () => {
  const { clock, limits, told } = create()
  const come = () => limits.judge(known('anna', '192.0.2.9'), 'open')
  limits.judge(stranger('192.0.2.8'), 'open')
  come()
  come()
  expect(told).toEqual([{ line: '192.0.2.9', standing: 'known' }])
  for (let hour = 0; hour < 13; hour++) {
    clock.advance(3_600_000)
    come()
  }
  expect(told).toHaveLength(2)
})

test('where work was proved is told once, and again before the proof is over', () => {
  const { clock, limits, told } = create()
  const come = () => limits.judge({ ...stranger('192.0.2.9'), pass: 'proof 1' }, 'gated')
  come()
  come()
  expect(told).toEqual([{ line: '192.0.2.9', standing: 'proven' }])
  clock.advance(16 * 60_000)
  come()
  expect(told).toHaveLength(2)
})

test('one person speaks for sixteen lines in a day, and for none while told to wait', () => {
  const { clock, limits, told } = create()
  for (let at = 0; at < 40; at++) {
    expect(limits.judge(known('anna', `198.51.${at}.1`), 'open')).toBeNull()
    clock.advance(1_000)
  }
  expect(told.map(({ line }) => line)).toEqual(Array.from({ length: 16 }, (_, at) => `198.51.${at}.1`))
  expect(limits.isHomeOfKnown('198.51.15.1')).toBe(true)
  expect(limits.isHomeOfKnown('198.51.16.1')).toBe(false)
  for (let at = 0; at < 60; at++) limits.judge(known('berta', '203.0.113.1'), 'open')
  expect(limits.judge(known('berta', '203.0.113.2'), 'open')).toMatchObject({ reason: 'person' })
  expect(limits.isHomeOfKnown('203.0.113.2')).toBe(false)
})

test('one proof is good from eight lines; from the next on, each needs its own', () => {
  const { limits, told } = create()
  limits.isProofWanted = true
  const come = (address: string, pass: string) => limits.judge({ ...stranger(address), pass }, 'gated')
  for (let at = 0; at < 8; at++) expect(come(`198.51.${at}.1`, 'one')).toBeNull()
  expect(come('198.51.8.1', 'one')).toMatchObject({ reason: 'proof' })
  expect(come('198.51.7.1', 'one')).toBeNull()
  expect(come('198.51.8.1', 'two')).toBeNull()
  expect(told).toHaveLength(9)
})

test('where somebody known came from within a day is remembered', () => {
  const { clock, limits } = create()
  expect(limits.isHomeOfKnown('192.0.2.9')).toBe(false)
  limits.judge(known('anna', '192.0.2.9'), 'open')
  expect(limits.isHomeOfKnown('192.0.2.9')).toBe(true)
  clock.advance(24 * 3_600_000 + 1)
  expect(limits.isHomeOfKnown('192.0.2.9')).toBe(false)
})

test('a hundred thousand sources, some as bad as can be, take no more memory than is said: under 64 MB', () => {
  const { clock, limits } = create()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage()
  limits.isProofWanted = true
  for (let source = 0; source < 100_000; source++) {
    const asker = stranger(`${1 + (source >> 16)}.${(source >> 8) & 255}.7.${source & 255}`)
    // Some of them until they are kept out.
    for (let at = 0; at < (source % 50 === 0 ? 62 : 1); at++) limits.judge(asker, 'gated')
    if (source % 20 === 0) clock.advance(1)
  }
  collect()
  const after = process.memoryUsage()
  const tookBytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  expect(limits.penalties(100_000).length).toBeGreaterThan(1_000)
  expect(frontSizeBytes(limits)).toBeLessThanOrEqual(64e6)
  expect(tookBytes).toBeLessThanOrEqual(frontSizeBytes(limits))
})
