import { afterEach, expect, test } from 'vitest'
import { localProblem } from '#lib/api/problem.ts'
import type { Problem, ServiceState } from '#lib/api/types.ts'
import { service } from './service.svelte.ts'
import { featureNames, noteOf, whyOf, wordsOf } from './words.ts'

const paused = (facts: Problem['facts']): Problem => ({
  ...localProblem({ code: 'feature-paused', side: 'us', status: 503, title: 'T', detail: 'D.', next: '' }),
  facts,
})
const known = (feature: string) => ({ [feature]: { mode: 'paused', reason: 'database', share: 0 } })
afterEach(() => {
  service.state = null
})

test('each feature has words of its own, and each says what is paused', () => {
  const texts = featureNames.map((feature) => wordsOf(paused({ feature, reason: 'database' })))
  expect(new Set(texts.map(({ title }) => title)).size).toBe(featureNames.length)
  for (const { text } of texts) expect(text).toContain('paused while we recover')
})

test('why it is paused is told in four ways', () => {
  expect(wordsOf(paused({ feature: 'search', reason: 'overload' })).text).toBe(
    'Search is paused while more people are here than we can serve. Your feed keeps playing.',
  )
  expect(whyOf('maintenance')).toBe('maintenance')
  expect(whyOf('journal')).toBe('recovering')
  expect(whyOf(null)).toBe('recovering')
})

test('nobody is told of a feed that goes on where it is paused, too', () => {
  const textOf = (feature: string) => wordsOf(paused({ feature, reason: 'database' })).text
  expect([textOf('search'), textOf('profiles')]).toEqual([
    'Search is paused while we recover. Your feed keeps playing.',
    'Profiles are paused while we recover. Everything on them is safe. Your feed keeps playing.',
  ])
  service.state = {
    level: 5,
    features: { ...known('search'), ...known('profiles'), ...known('feed') },
  } as never
  expect([textOf('search'), textOf('profiles')]).toEqual([
    'Search is paused while we recover.',
    'Profiles are paused while we recover. Everything on them is safe.',
  ])
})

test('Following is told by itself where For You goes on', () => {
  const told = wordsOf(paused({ feature: 'feed', reason: 'operator', list: 'following' }))
  expect(told.title).toBe('Following is paused')
  expect(told.text).toContain('For You keeps playing')
  expect(wordsOf(paused({ feature: 'feed', reason: 'operator' })).title).toBe('New videos are paused')
})

test('a feature that this app does not know is told in the words of the server', () => {
  expect(wordsOf(paused({ feature: 'holograms', reason: 'operator' }))).toEqual({ title: 'T', text: 'D.' })
  expect(wordsOf(paused({}))).toEqual({ title: 'T', text: 'D.' })
})

test('the words of the operator stand beside ours, as a quotation', () => {
  expect(noteOf('comments')).toBeNull()
  const comments = { mode: 'paused', since: '', reason: 'operator', share: 0, note: 'Spam wave' }
  service.state = { level: 0, features: { comments } } as unknown as ServiceState
  expect(noteOf('comments')).toBe('“Spam wave”')
})
