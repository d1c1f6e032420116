import { expect, test } from 'vitest'
import { readFeed, readStatuspage, UnreadableWordError } from './read-word.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')

test('Statuspage: the page as a whole, and the components that mean a feature', () => {
  const summary = JSON.stringify({
    status: { indicator: 'major', description: 'Partial System Outage' },
    components: [
      { name: 'Video playback', status: 'major_outage' },
      { name: 'Careers page', status: 'partial_outage' },
      { name: 'Uploads', status: 'a new word' },
      { name: 'constructor', status: 'operational' },
      { name: 'Video playback', status: 'toString' },
      null,
    ],
  })
  expect(readStatuspage(summary, { 'Video playback': 'video', Uploads: 'upload' })).toEqual([
    { featureId: null, status: 'partial' },
    { featureId: 'video', status: 'major' },
  ])
})

test.each([
  '',
  '<html>Bad gateway</html>',
  '{}',
  'null',
  '{"status":{"indicator":"splendid"}}',
  '{"status":{"indicator":"constructor"}}',
])('Statuspage: %j is unknown, and never "all is well"', (text) =>
  expect(() => readStatuspage(text, {})).toThrow(UnreadableWordError),
)

const item = (title: string, date: string) => `<item><title>${title}</title><pubDate>${date}</pubDate></item>`
const rss = (...items: string[]) =>
  `<?xml version="1.0"?><rss version="2.0"><channel>${items.join('')}</channel></rss>`

test('RSS: the newest entry speaks', () => {
  const old = item('Major outage of everything', 'Thu, 30 Apr 2026 20:00:00 GMT')
  const young = item('<![CDATA[Resolved: back to normal]]>', 'Fri, 01 May 2026 11:00:00 GMT')
  expect(readFeed(rss(old, young), NOW)).toEqual([{ featureId: null, status: 'operational' }])
  expect(readFeed(rss(old), NOW)).toEqual([{ featureId: null, status: 'major' }])
})

test('Atom: an investigation is trouble, an old one is over, and no entry is none', () => {
  const feed = (body: string) => `<feed xmlns="http://www.w3.org/2005/Atom">${body}</feed>`
  const entry = (updated: string) =>
    `<entry><title>Login</title><updated>${updated}</updated><content>&lt;p&gt;Investigating&lt;/p&gt;</content></entry>`
  expect(readFeed(feed(entry('2026-05-01T11:30:00Z')), NOW)).toEqual([{ featureId: null, status: 'partial' }])
  expect(readFeed(feed(entry('2026-04-01T11:30:00Z')), NOW)).toEqual([
    { featureId: null, status: 'operational' },
  ])
  expect(readFeed(feed(''), NOW)).toEqual([{ featureId: null, status: 'operational' }])
})

test('a page that is no feed is unknown', () => {
  expect(() => readFeed('<html>Please sign in</html>', NOW)).toThrow(UnreadableWordError)
})

/** Each would take hours by a pattern that looks for the end anew from every beginning. */
test('a hostile feed of nothing but beginnings is read in one pass, and is unknown', () => {
  expect(() => readFeed(`<rss>${'<item>'.repeat(600_000)}`, NOW)).toThrow(UnreadableWordError)
})

test.each([
  ['dates', '<pubDate'.repeat(500_000)],
  ['marked sections', '<![CDATA['.repeat(400_000)],
  ['tags', '<'.repeat(4_000_000)],
])('a hostile entry of %s that never end is read in one pass', (_, text) => {
  const young = item('Major outage', 'Fri, 01 May 2026 11:00:00 GMT')
  expect(readFeed(rss(young.replace('</item>', `${text}</item>`)), NOW)).toEqual([
    { featureId: null, status: 'major' },
  ])
})
