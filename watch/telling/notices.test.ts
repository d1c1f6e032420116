import { expect, test } from 'vitest'
import type { OutageState } from '../../engines/detect/types.ts'
import { describeCause, type UpdateView } from '../incidents/index.ts'
import { makeIncident } from '../pages/view.fixtures.ts'
import { noticesOfIncident } from './notices.ts'

const { confirmedAtMs } = makeIncident()

/** Updates of an incident as it keeps them, newest first. */
const updatesOf = (states: readonly OutageState[], change: Partial<UpdateView> = {}): UpdateView[] =>
  states
    .map((state, i) => ({
      id: `update${i}`,
      state,
      body: `Word ${i}.`,
      atMs: confirmedAtMs! + i,
      author: 'watch',
      affected: [],
      ...change,
    }))
    .toReversed()

test('notices come in the order of the updates, without what was suspected', () => {
  const notices = noticesOfIncident(makeIncident(), 'Upbeat')
  expect(notices.map(({ state }) => state)).toEqual(['Confirmed'])
  const more = noticesOfIncident(
    makeIncident({ updates: updatesOf(['confirmed', 'identified', 'resolved']) }),
    'Upbeat',
  )
  expect(more.map(({ body }) => body)).toEqual(['Word 0.', 'Word 1.', 'Word 2.'])
})

test('what the watch says is posted when it is opened, its cause is found, it is over and it comes back', () => {
  const states: OutageState[] = [
    'confirmed',
    'confirmed',
    'identified',
    'mitigating',
    'recovering',
    'resolved',
    'confirmed',
    'recovering',
    'resolved',
  ]
  const notices = noticesOfIncident(makeIncident({ updates: updatesOf(states) }), 'Upbeat')
  expect(notices.map(({ isPost }) => isPost)).toEqual([
    true,
    false,
    true,
    false,
    false,
    true,
    true,
    false,
    true,
  ])
})

test('a thread begins with the first that is told, whatever its state', () => {
  const notices = noticesOfIncident(
    makeIncident({ updates: updatesOf(['recovering', 'resolved']) }),
    'Upbeat',
  )
  expect(notices.map(({ isPost }) => isPost)).toEqual([true, true])
})

test('the cause is said as pages say it, also who found it', () => {
  const incident = makeIncident({ isCauseByOperator: true, updates: updatesOf(['identified']) })
  expect(noticesOfIncident(incident, 'Upbeat')[0]!.cause).toBe(describeCause(incident))
})

test('a message says nothing twice: neither the cause nor the advice that its text has', () => {
  const [notice] = noticesOfIncident(
    makeIncident({
      updates: updatesOf(['resolved'], {
        body: 'It was a change that was just rolled out. If something is still wrong for you, load the app once more; then check drafts and scheduled posts.',
      }),
    }),
    'Upbeat',
  )
  expect(notice).toMatchObject({ cause: null, advice: null })
})
