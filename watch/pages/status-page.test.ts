import { expect, test } from 'vitest'
import { serverLinks } from './links.ts'
import { renderStatusPage, type StatusPageInput } from './status-page.ts'
import {
  FEATURES,
  makeComponent,
  makeFaultyView,
  makeIncident,
  makeMaintenance,
  makeResponseTimes,
  makeUptimeDays,
  makeView,
  NOW,
} from './view.fixtures.ts'

const PAGE_MAX_BYTES = 50_000

const render = (changes: Partial<StatusPageInput> = {}): string =>
  renderStatusPage({
    view: makeView(),
    links: serverLinks('upbeat'),
    now: NOW,
    data: { uptime: new Map(), responseTimes: new Map() },
    ...changes,
  })

/** What a person reads: no tags, no styles. */
const textOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ')

const fullData = () => ({
  uptime: new Map(
    FEATURES.map((slug) => [slug, makeUptimeDays({ 3: { upFraction: 0.97, worst: 'partial_outage' } })]),
  ),
  responseTimes: new Map(FEATURES.map((slug) => [slug, makeResponseTimes()])),
})

test('a calm service says that everything works, and when it was looked at', () => {
  const text = textOf(render())
  expect(text).toContain('Everything works')
  expect(text).toContain('Last looked 8 s ago')
  expect(text).toContain('No outage that is over')
})

test('a fault says what, where, since when, why, how long and what one can do', () => {
  const text = textOf(render({ view: makeFaultyView() }))
  expect(text).toContain('Upload does not work in Europe')
  expect(text).toContain('For 12 min so far')
  expect(text).toContain('Likely cause: a change that was just rolled out (82 % sure)')
  expect(text).toContain('last about 9 min more')
  expect(text).toContain('What you can do:')
  expect(text).toContain('Europe: down')
})

test('a level that the operator ordered is told with its reason and its end, feature by feature', () => {
  const [sinceMs, untilMs] = [Date.parse('2026-11-22T03:30:00Z'), Date.parse('2026-11-22T05:00:00Z')]
  const word = { reason: 'operator', note: 'a <drill>', sinceMs, untilMs, share: 0 } as const
  const features = new Map([['comments', { mode: 'cached', ...word } as const]])
  const declared = {
    readAtMs: NOW.getTime(),
    level: 2,
    sinceMs,
    order: { level: 2, reason: 'a <drill>', sinceMs, untilMs },
    features,
    restoration: [{ step: 'sign-in', atMs: NOW.getTime() - 60_000, share: 0.25, why: 'the gate is good' }],
  }
  const components = FEATURES.map((slug, at) =>
    slug === 'comments'
      ? makeComponent(slug, {
          status: 'degraded_performance',
          declared: features.get(slug)!,
          position: at + 1,
        })
      : makeComponent(slug, { position: at + 1 }),
  )
  const officialWord = { status: 'degraded', sinceMs, readAtMs: NOW.getTime(), lagS: null } as const
  const page = render({
    view: makeView({
      indicator: 'minor',
      description: 'Partially Degraded Service',
      components,
      officialWord,
      declared,
    }),
  })
  const text = textOf(page)
  expect(text).toContain('It works, with less than usual')
  expect(text).toMatch(
    /level 2 of 5, ordered by its operator \(“a .*drill.*”\), since 03:30 UTC, until 05:00 UTC/,
  )
  expect(text).toContain('Upbeat has declared level 2 of 5')
  expect(text).not.toContain('slow or failing')
  expect(text).toContain('Works, with less')
  expect(text).toContain('By its own word: from memory, with its age, ordered by its operator')
  expect(text).toMatch(/The way back .* Sign in 25 % the gate is good/)
  expect(page).not.toContain('<drill>')
})

test('an outage that was ordered until a time is told until then, and by no likelihood', () => {
  const sinceMs = NOW.getTime() - 60_000
  const word = { mode: 'paused', reason: 'operator', note: 'new disks', sinceMs, share: 0 } as const
  const incident = makeIncident({ declared: { ...word, untilMs: NOW.getTime() + 30 * 60_000 } })
  const text = textOf(render({ view: makeView({ incidents: [incident] }) }))
  expect(text).toContain('The service’s operator has ordered it for 30 min more')
  expect(text).toContain('Cause, in the service’s own words: paused, ordered by its operator (“new disks”)')
  expect(text).not.toMatch(/outages like this one/i)
  expect(text).not.toContain('rolled out')
})

test('a blind watch claims nothing', () => {
  const text = textOf(render({ view: makeView({ isBlind: true }) }))
  expect(text).toContain('We can not tell right now')
  expect(text).not.toContain('Everything works')
})

test('a watch without any evidence yet claims nothing either', () => {
  expect(textOf(render({ view: makeView({ asOfMs: null }) }))).toContain('Nothing has been measured yet')
})

test('evidence older than two minutes is called old, and not before', () => {
  const aged = (ageMs: number) => textOf(render({ view: makeView({ asOfMs: NOW.getTime() - ageMs }) }))
  expect(aged(120_000)).not.toContain('may be out of date')
  expect(aged(120_001)).toContain('may be out of date')
})

test('an unknown component is neither up nor down', () => {
  const view = makeView({ components: [makeComponent('feed', { state: 'unknown' })] })
  expect(textOf(render({ view }))).toContain('Feed No evidence now')
})

test('where some components are unknown, only what is seen is said to work', () => {
  const view = makeView({
    components: [makeComponent('feed', { state: 'unknown' }), makeComponent('video', {})],
  })
  const text = textOf(render({ view }))
  expect(text).toContain('All that we see works')
  expect(text).toContain('No evidence now of 1 of 2 components')
  expect(text).not.toMatch(/Everything works|All Systems Operational/)
})

test('what the service says of itself stands beside what is seen, with the lag', () => {
  const view = makeFaultyView({
    officialWord: {
      status: 'operational',
      sinceMs: NOW.getTime() - 86_400_000,
      readAtMs: NOW.getTime(),
      lagS: null,
    },
  })
  expect(textOf(render({ view }))).toMatch(
    /itself says: all is working.*Seen from outside it has been failing for 12 min/,
  )
})

test('planned maintenance is announced with its window', () => {
  const text = textOf(render({ view: makeView({ maintenances: [makeMaintenance()] }) }))
  expect(text).toContain('New disks for search')
  expect(text).toContain('23 Nov 2026, 04:00 UTC until 23 Nov 2026, 05:00 UTC')
})

test('a page with incidents, ninety days of every component and plots stays under 50 kB', () => {
  const incidents = Array.from({ length: 30 }, (_, i) =>
    makeIncident({
      id: `incident${String(i).padStart(4, '0')}`,
      ...(i > 3 && { state: 'resolved', resolvedAtMs: NOW.getTime() - i }),
    }),
  )
  const page = render({ view: makeFaultyView({ incidents }), data: fullData() })
  expect(Buffer.byteLength(page)).toBeLessThan(PAGE_MAX_BYTES)
})

test('ten thousand components, a thousand of them failing, stay under 50 kB and are rolled up', () => {
  const components = Array.from({ length: 10_000 }, (_, i) =>
    makeComponent(`part-${i}`, {
      position: i + 1,
      group: `Group ${i % 80}`,
      ...(i % 10 === 0 && { status: 'major_outage', state: 'down' }),
    }),
  )
  const uptime = new Map(components.slice(0, 300).map(({ slug }) => [slug, makeUptimeDays()]))
  const page = render({ view: makeView({ components }), data: { uptime, responseTimes: new Map() } })
  expect(Buffer.byteLength(page)).toBeLessThan(PAGE_MAX_BYTES)
  expect(textOf(page)).toContain('1000 of 10000 components do not work as they should')
  expect(page).toContain('href="/s/upbeat/components"')
})

test('hostile words of incidents and components stay words', () => {
  const hostile = `<img src=x onerror=alert(1)>"'`
  const view = makeFaultyView({
    components: [makeComponent('feed', { name: hostile, description: hostile })],
    incidents: [
      makeIncident({ title: hostile, updates: [{ ...makeIncident().updates[0]!, body: hostile }] }),
    ],
  })
  expect(render({ view })).not.toContain('<img')
})

test('a day with a fault has its own words among the bars, and an unwatched one is not counted', () => {
  const days = makeUptimeDays({
    3: { upFraction: 0.9712, worst: 'partial_outage' },
    80: { upFraction: null, worst: null },
  })
  const page = render({ data: { uptime: new Map([['feed', days]]), responseTimes: new Map() } })
  expect(textOf(page)).toContain('19 Nov 2026: 97.12 % up, worst: Partly down')
  expect(page).toContain('1 day with a fault')
  expect(page).toContain('89 days watched')
})

test('a plot has its table behind', () => {
  const page = render({
    data: { uptime: new Map(), responseTimes: new Map([['feed', makeResponseTimes()]]) },
  })
  expect(textOf(page)).toContain('Response times of Feed by the hour')
  expect(page.match(/<tr>/g)!.length).toBeGreaterThan(24)
})
