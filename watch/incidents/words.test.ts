import { expect, test } from 'vitest'
import { bodyOf, endSeenElsewhereBody, relapseBody, titleOf, unwatchedBody, type Wording } from './words.ts'

const MINUTE_MS = 60_000
const wordingOf = (features: readonly string[], changes: Partial<Wording> = {}): Wording => ({
  features,
  regions: [],
  cause: 'unknown',
  causeProbability: 0,
  isCauseByOperator: false,
  contributions: {},
  startedAtMs: 0,
  recovered: { cells: 0, of: 1 },
  forecast: null,
  ...changes,
})

test.each([
  ['Comments', 'do not work'],
  ['Search', 'does not work'],
  ['Signing in', 'does not work'],
  ['Playing videos', 'does not work'],
  ['Counts and finishing', 'do not work'],
  ['Online status', 'does not work'],
  ['Access', 'does not work'],
])('the title says that "%s" %s', (name, words) => {
  expect(titleOf(wordingOf([name]))).toBe(`${name} ${words}`)
})

test('every sentence about a plural name has the verb of the plural', () => {
  const comments = wordingOf(['Comments'])
  expect(bodyOf('suspected', comments, 0)).toContain('that Comments do not work')
  expect(bodyOf('confirmed', comments, 0)).toContain('Comments do not work since')
  expect(bodyOf('identified', comments, 0)).toContain('Comments still do not work')
  expect(bodyOf('mitigating', comments, 0)).toContain('Comments are getting better')
  expect(bodyOf('recovering', comments, 0)).toContain('Comments are coming back')
  expect(bodyOf('resolved', comments, MINUTE_MS)).toContain('Comments work again')
  expect(relapseBody(comments)).toContain('Comments fail again')
  expect(unwatchedBody(comments)).toContain('Comments are not watched')
  expect(endSeenElsewhereBody(comments)).toContain('Comments work again')
})

test('a forecast from published figures says that it is from elsewhere, one from own outages does not', () => {
  const forecast = { medianMs: 47 * MINUTE_MS, lowMs: 10 * MINUTE_MS, highMs: 80 * MINUTE_MS }
  const bodyWith = (isOfOwnPast?: boolean) =>
    bodyOf(
      'confirmed',
      wordingOf(['Search'], { forecast: { ...forecast, ...(isOfOwnPast !== undefined && { isOfOwnPast }) } }),
      0,
    )
  expect(bodyWith(true)).toContain('. Outages like this one last about 47 minutes more')
  expect(bodyWith(false)).toContain(' Elsewhere, outages like this one last about 47 minutes more')
  expect(bodyWith()).toContain('Elsewhere, ')
})
