import { expect, test } from 'vitest'
import type { ComponentStatus } from '../../contract/watch.ts'
import { indicatorOf } from '../incidents/index.ts'
import { makeComponent } from './view.fixtures.ts'
import { headlineWords, lookOf } from './words.ts'

const PARTS = [
  ['For You feed', 'watching'],
  ['Playing videos', 'watching'],
  ['Search', null],
  ['Signing in', null],
  ['Comments', null],
  ['Uploading', null],
] as const

/** The headline of a service in which these are not well. */
function headline(
  unwell: Readonly<Record<string, ComponentStatus>>,
  parts: readonly (readonly [string, string | null])[] = PARTS,
) {
  const components = parts.map(([name, essential]) =>
    makeComponent(name, { name, essential, status: unwell[name] ?? 'operational' }),
  )
  return headlineWords({ components, ...indicatorOf(components) })
}

test('what is out is named, and what people came for is said to work', () => {
  expect(headline({ Search: 'major_outage', 'Signing in': 'major_outage', Comments: 'major_outage' })).toBe(
    'Partly down: Search, Signing in and Comments are out; watching works',
  )
  expect(headline({ Comments: 'major_outage' })).toBe('Partly down: Comments are out; watching works')
  expect(headline({ 'Signing in': 'major_outage' })).toBe('Partly down: Signing in is out; watching works')
})

test('watching that is slow or fails for some is not said to work', () => {
  expect(headline({ Search: 'major_outage', 'Playing videos': 'degraded_performance' })).toBe(
    'Partly down: Search is out',
  )
})

test('a service is down when half of what people come for is', () => {
  expect(headline({ 'Playing videos': 'major_outage' })).toBe('It is down')
})

test('where nothing is marked as essential, nothing is claimed to work', () => {
  const alike = PARTS.map(([name]) => [name, null] as const)
  expect(headline({ Search: 'major_outage' }, alike)).toBe('Partly down: Search is out')
  expect(
    headline({ Search: 'major_outage', Comments: 'major_outage', Uploading: 'major_outage' }, alike),
  ).toBe('It is down')
})

test('a long list of what is out stays a headline', () => {
  const parts = Array.from({ length: 14 }, (_, at) => [`Part ${at + 1}`, at < 8 ? 'reading' : null] as const)
  const unwell = Object.fromEntries(parts.slice(7).map(([name]) => [name, 'major_outage' as const]))
  expect(headline(unwell, parts)).toBe('Partly down: Part 8, Part 9, Part 10, Part 11 and 3 more are out')
})

test('a service that is well, slow or under maintenance has a headline without parts', () => {
  expect(headline({})).toBe('Everything works')
  expect(headline({ Search: 'degraded_performance' })).toBe('Some things fail or are slow')
  expect(headline({ Search: 'under_maintenance' })).toBe('Maintenance is under way')
})

test('what works with less than usual, by the word of the service, works', () => {
  const declared = {
    mode: 'shared',
    reason: 'overload',
    note: null,
    sinceMs: 0,
    untilMs: null,
    share: 0,
  } as const
  const components = [
    makeComponent('feed', { essential: 'watching', status: 'degraded_performance', declared }),
    makeComponent('search', { name: 'Search', status: 'major_outage', state: 'down' }),
  ]
  expect(headlineWords({ indicator: 'major', components })).toBe('Partly down: Search is out; watching works')
  expect(lookOf(components[0]!)).toEqual({ key: 'degraded_performance', words: 'Works, with less' })
  const slow = makeComponent('feed', { status: 'degraded_performance' })
  expect(headlineWords({ indicator: 'minor', components: [slow] })).toBe('Some things fail or are slow')
})

test('what is paused by the word of the service is paused, and is not said to work with less', () => {
  const paused = {
    mode: 'paused',
    reason: 'database',
    note: null,
    sinceMs: 0,
    untilMs: null,
    share: 0,
  } as const
  const makePaused = (name: string, essential: string | null) =>
    makeComponent(name, { name, essential, status: 'degraded_performance', declared: paused })
  const comments = makePaused('Comments', null)
  expect(lookOf(comments)).toEqual({ key: 'degraded_performance', words: 'Paused' })
  expect(headlineWords({ indicator: 'minor', components: [comments] })).toBe('It works; Comments are paused')
  const feed = makePaused('For You feed', 'watching')
  expect(headlineWords({ indicator: 'minor', components: [feed] })).toBe('For You feed is paused')
  const search = makeComponent('search', { name: 'Search', status: 'major_outage', state: 'down' })
  expect(headlineWords({ indicator: 'major', components: [feed, search] })).toBe('Partly down: Search is out')
})
