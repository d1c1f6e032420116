/** What another watch made up is shown as what it is, and takes no answer away. */
import { expect, test } from 'vitest'
import { serverLinks } from '../pages/links.ts'
import { makeIncident, makeView, NOW } from '../pages/view.fixtures.ts'
import { renderAtom, renderRss } from './feeds.ts'
import { toWatchStatus } from './watch-status.ts'

const links = serverLinks('upbeat', 'https://watch.example')

test('an id of any shape is words in a feed', () => {
  const incident = makeIncident({ id: '</guid><script>&' })
  for (const feed of [renderRss(makeView(), [incident], links), renderAtom(makeView(), [incident], links)]) {
    expect(feed).not.toContain('<script>')
    expect(feed).toContain('&#60;/guid&#62;&#60;script&#62;&#38;')
  }
})

test.each([
  [1e300, '2036-11-29T04:00:00.000Z'],
  [-1e300, '2026-11-22T04:01:00.000Z'],
])('an end that is expected after %s ms is a date all the same', (medianMs, expected) => {
  const forecast = { medianMs, lowMs: medianMs, highMs: medianMs }
  const incident = makeIncident({ forecast, resolvedAtMs: null, mergedInto: null })
  const { incidents } = toWatchStatus(makeView({ incidents: [incident] }), links, NOW)
  expect(incidents[0]!.expectedEndAt).toBe(expected)
})
