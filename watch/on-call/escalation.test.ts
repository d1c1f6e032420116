/** The steps of a page, by a clock that the test moves. */
import { expect, test } from 'vitest'
import { needsPage, nextStep, type Escalating, type Policy } from './escalation.ts'

const MINUTE_MS = 60_000
const POLICY: Policy = {
  escalation: [
    { to: ['rota:first'], waitMinutes: 10 },
    { to: ['person:bob', 'role:commander'], waitMinutes: 15 },
  ],
  repeats: 1,
}
const NEW: Escalating = { state: 'paging', stepsTaken: 0, dueAtMs: 0 }

/** What happens minute by minute while nobody answers. */
function live(policy: Policy, minutes: number): string[] {
  const seen: string[] = []
  let page = NEW
  for (let minute = 0; minute <= minutes; minute++) {
    const step = nextStep(page, policy, minute * MINUTE_MS)
    if (step.kind === 'tell') {
      seen.push(`${minute}: ${step.to.join('+')} in round ${step.round}`)
      page = { ...page, stepsTaken: step.step + 1, dueAtMs: minute * MINUTE_MS + step.waitMs }
    } else if (step.kind === 'give-up') {
      seen.push(`${minute}: nobody`)
      page = { ...page, state: 'unanswered' }
    }
  }
  return seen
}

test('each step waits for its time, all are repeated, and then it is said that nobody answered', () => {
  expect(live(POLICY, 120)).toEqual([
    '0: rota:first in round 0',
    '10: person:bob+role:commander in round 0',
    '25: rota:first in round 1',
    '35: person:bob+role:commander in round 1',
    '50: nobody',
  ])
})

test('a step is due at its time and not a millisecond before', () => {
  const page = { ...NEW, stepsTaken: 1, dueAtMs: 600_000 }
  expect(nextStep(page, POLICY, 599_999)).toEqual({ kind: 'wait', untilMs: 600_000 })
  expect(nextStep(page, POLICY, 600_000)).toMatchObject({ kind: 'tell', step: 1 })
})

test('a watch that was away for hours takes one step, not all that it missed', () => {
  const page = { ...NEW, stepsTaken: 1, dueAtMs: 600_000 }
  const step = nextStep(page, POLICY, 86_400_000)
  expect(step).toMatchObject({ kind: 'tell', step: 1, waitMs: 15 * MINUTE_MS })
})

test.each(['acknowledged', 'unanswered', 'over'] as const)('a page that is %s calls nobody', (state) => {
  expect(nextStep({ ...NEW, state }, POLICY, 1e12)).toEqual({ kind: 'nothing' })
})

test('a plan that was emptied while a page is open ends the calling', () => {
  expect(nextStep({ ...NEW, stepsTaken: 1 }, { escalation: [], repeats: 3 }, 1)).toEqual({ kind: 'give-up' })
})

const OUTAGE = { isConfirmed: true, isOver: false, impact: 'major', relapses: 0 } as const

test.each([
  ['a confirmed outage of enough impact', OUTAGE, null, true],
  ['one that is only suspected', { ...OUTAGE, isConfirmed: false }, null, false],
  ['one that is over', { ...OUTAGE, isOver: true }, null, false],
  ['one of less impact', { ...OUTAGE, impact: 'minor' as const }, null, false],
  ['one that is being paged', { ...OUTAGE, relapses: 1 }, { state: 'paging', relapses: 0 } as const, false],
  ['one that was answered', OUTAGE, { state: 'acknowledged', relapses: 0 } as const, false],
  [
    'a relapse after an answer',
    { ...OUTAGE, relapses: 1 },
    { state: 'acknowledged', relapses: 0 } as const,
    true,
  ],
  [
    'a relapse that nobody answered',
    { ...OUTAGE, relapses: 1 },
    { state: 'unanswered', relapses: 0 } as const,
    true,
  ],
  ['one that is back after it was over', OUTAGE, { state: 'over', relapses: 0 } as const, true],
])('%s: page? %#', (_, outage, last, expected) => {
  expect(needsPage(outage, last, 'major')).toBe(expected)
})
