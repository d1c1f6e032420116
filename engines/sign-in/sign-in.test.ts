import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ALARM_HELD_MS,
  ATTACK_FAILURES,
  createSignInGuard,
  DEVICE_TRIES,
  GUESSES_PER_DAY_MAX,
  NETWORK_REFUSED,
  SPRAYED_ACCOUNTS,
  takeGuess,
  type Attempt,
  type Budget,
} from './index.ts'

const DAY_MS = 86_400_000
const stranger = (over: Partial<Attempt> = {}): Attempt => ({
  account: 'ada',
  network: '192.0.2.1',
  prefix: '192.0.2',
  password: 'p',
  device: null,
  isNetworkKnown: false,
  ...over,
})
/** The n-th of a list, each from an address of its own. */
const ofList = (n: number): Attempt =>
  stranger({ account: `a${n}`, network: `n${n}`, prefix: `p${n}`, password: `w${n}` })

test('in calm a stranger with the right password pays nothing', () => {
  expect(createSignInGuard().weigh(stranger(), 0)).toEqual({
    refusedMs: 0,
    work: 0,
    delayMs: 0,
    mustConfirm: false,
    isStranger: true,
    reasons: [],
  })
})

test('a list of leaked passwords, one try an address, is confirmed by mail before its first valid pair is due', () => {
  const guard = createSignInGuard()
  const firstConfirmed = Array.from({ length: 1_000 }, (_, n) => {
    const cost = guard.weigh(ofList(n), n * 100)
    guard.note(ofList(n), 'wrong', n * 100)
    return cost.mustConfirm
  }).indexOf(true)
  expect(firstConfirmed).toBe(ATTACK_FAILURES)
})

test('a list tried over a whole day is found out, too', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < 40; n++) guard.note(ofList(n), 'wrong', n * 1_800_000)
  expect(guard.weigh(ofList(99), 40 * 1_800_000).mustConfirm).toBe(true)
})

test('the alarm holds on for its time, then ends by itself', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < ATTACK_FAILURES; n++) guard.note(ofList(n), 'wrong', 0)
  expect(guard.alarm(0)).toBe('attack')
  expect(guard.alarm(DAY_MS + ALARM_HELD_MS + 1)).toBe('calm')
})

test('what is usual raises no alarm, and what is saved is still usual after a restart', () => {
  const first = createSignInGuard()
  const oneDay = (guard: typeof first, day: number) => {
    for (let n = 0; n < 2_000; n++) {
      const atMs = day * DAY_MS + n * (DAY_MS / 2_000)
      guard.note(ofList(day * 2_000 + n), n % 3 === 0 ? 'wrong' : 'right', atMs)
    }
    return guard.alarm((day + 1) * DAY_MS - 1)
  }
  expect([0, 1, 2, 3].map((day) => oneDay(first, day))).toEqual(['calm', 'calm', 'calm', 'calm'])
  const second = createSignInGuard({ saved: JSON.parse(JSON.stringify(first.save())) })
  expect(oneDay(second, 4)).toBe('calm')
})

test('a known device pays nothing while its account, its network and all the rest are under attack', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < 500; n++) guard.note(stranger({ account: 'ada', password: `w${n}` }), 'wrong', n)
  for (let n = 0; n < 500; n++) guard.note(ofList(n), 'wrong', n)
  expect(guard.weigh(stranger({ device: 'phone' }), 500)).toMatchObject({
    refusedMs: 0,
    work: 0,
    mustConfirm: false,
    isStranger: false,
  })
})

test.each([DEVICE_TRIES - 1, DEVICE_TRIES])(
  'a known device that guesses counts as a stranger from %i + 1 tries on',
  (tries) => {
    const guard = createSignInGuard()
    const owner = stranger({ device: 'phone' })
    for (let n = 0; n < tries; n++) guard.note(owner, 'wrong', 0)
    expect(guard.weigh(owner, 0).isStranger).toBe(tries >= DEVICE_TRIES)
  },
)

test('a network that guesses is refused for a time that is told, and let in again after it', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < NETWORK_REFUSED; n++) guard.note(stranger({ account: `a${n}` }), 'wrong', 0)
  const { refusedMs } = guard.weigh(stranger({ account: 'z' }), 0)
  expect(refusedMs).toBeGreaterThan(0)
  expect(guard.weigh(stranger({ account: 'z' }), refusedMs).refusedMs).toBe(0)
})

test('one password at many accounts is confirmed, and other passwords are not held against it', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < SPRAYED_ACCOUNTS; n++)
    guard.note(stranger({ account: `a${n}`, network: `n${n}`, prefix: `p${n}` }), 'wrong', 0)
  const next = (password: string) =>
    guard.weigh(stranger({ account: 'z', network: 'z', prefix: 'z', password }), 0).mustConfirm
  expect([next('p'), next('q')]).toEqual([true, false])
})

test('one account that is guessed at raises no alarm for others', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < 1_000; n++) guard.note({ ...ofList(n), account: 'ada' }, 'wrong', n)
  expect(guard.alarm(1_000)).toBe('calm')
})

test('from a network of the account work is asked where strangers have to confirm', () => {
  const guard = createSignInGuard()
  for (let n = 0; n < 100; n++) guard.note(ofList(n), 'wrong', 0)
  expect(guard.weigh(stranger({ isNetworkKnown: true }), 0)).toMatchObject({ mustConfirm: false, work: 2 })
})

test('whenever strangers guess, no more than 20 guesses at an account fit into any 24 hours', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 7_200_000 }), { maxLength: 200 }), (pausesMs) => {
      let budget: Budget | null = null
      let nowMs = 0
      const taken: number[] = []
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs
        const answer = takeGuess(budget, nowMs)
        budget = answer.budget
        if (answer.waitMs === 0) taken.push(nowMs)
        else expect(takeGuess(budget, nowMs + answer.waitMs).waitMs).toBe(0)
      }
      const most = Math.max(
        0,
        ...taken.map((fromMs) => taken.filter((t) => t >= fromMs && t < fromMs + DAY_MS).length),
      )
      expect(most).toBeLessThanOrEqual(GUESSES_PER_DAY_MAX)
    }),
  )
})
