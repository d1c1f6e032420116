import { expect, test } from 'vitest'
import type { OperationsState } from '../contract/operations.ts'
import { levelInWords } from './level-line.ts'

const now = new Date('2026-11-22T12:00:00Z')
const at = (level: number, causes: string[], steps: { step: string; state: string }[] = []) =>
  levelInWords(
    {
      service: { level, since: '2026-11-22T11:57:00Z' },
      causes,
      restoration: { steps, timeline: [] },
    } as unknown as OperationsState,
    now,
  )

test('a level is told with its meaning, its age and why', () => {
  expect(at(0, [])).toBe('Level 0 (everything) for 3 min')
  expect(at(4, ['database is away'])).toBe('Level 4 (one list, actions kept) for 3 min: database is away')
})

test('of many reasons the first stand in the line, however long the rest', () => {
  const overload = 'the event loop is 840 ms late; 93 % of the memory is used; level 2 did not help'
  expect(at(3, [overload, 'worker is away', 'ingest is away', 'disk is away'])).toBe(
    'Level 3 (lists for groups) for 3 min: the event loop is 840 ms late, worker is away and 2 more',
  )
})

test('steps of the way back are counted, for each has a line of its own', () => {
  const steps = [
    { step: 'database', state: 'open' },
    { step: 'uploads', state: 'closed' },
    { step: 'ranking', state: 'opening' },
  ]
  expect(at(3, ['uploads: journal', 'ranking: opening'], steps)).toBe(
    'Level 3 (lists for groups) for 3 min: coming back, 2 steps are not open yet',
  )
})

test('nobody saying anything is no level', () => {
  expect(levelInWords({ service: null, causes: [], restoration: null }, now)).toMatch(/the level is unknown/)
})
