import { expect, test } from 'vitest'
import { FEATURES, type Feature, type FeatureState } from '../../../contract/state.ts'
import { regionWords } from '../../incidents/index.ts'
import { readRestoration, readState, UnreadableWordError } from './read-word.ts'

const AT = '2026-05-01T12:00:00.000Z'
const NAMES = {
  playback: 'video',
  feed: 'feed',
  comments: 'comments',
  counts: 'processing',
  processing: 'processing',
}

function stateWith(
  changed: Partial<Record<Feature, Partial<FeatureState>>>,
  rest: { level?: number; order?: object; maintenance?: object | null; takenBack?: object } = {},
): string {
  const on: FeatureState = { mode: 'on', since: AT, reason: null, share: 1, note: null, until: null }
  const features = Object.fromEntries(FEATURES.map((name) => [name, { ...on, ...changed[name] }]))
  return JSON.stringify({ level: 0, since: AT, maintenance: null, ...rest, features })
}

test('an Upbeat platform: each feature by how it works, several for one by the worst', () => {
  const text = stateWith(
    {
      comments: { mode: 'kept', reason: 'database' },
      feed: { mode: 'shared', reason: 'database' },
      counts: { mode: 'paused', reason: 'database' },
      search: { mode: 'paused', reason: 'operator' },
    },
    { level: 4 },
  )
  expect(readState(text, NAMES)).toMatchObject({
    words: [
      { featureId: null, status: 'partial' },
      { featureId: 'video', status: 'operational' },
      { featureId: 'feed', status: 'degraded' },
      { featureId: 'comments', status: 'partial' },
      { featureId: 'processing', status: 'major' },
    ],
    announcement: null,
  })
})

test('an Upbeat platform: what is paused for maintenance is maintenance', () => {
  const maintenance = {
    id: 'm1',
    state: 'under-way',
    startsAt: AT,
    endsAt: '2026-05-01T13:00:00.000Z',
    text: 'New disks.',
  }
  const text = stateWith({ processing: { mode: 'paused', reason: 'maintenance' } }, { maintenance })
  const { words, announcement } = readState(text, NAMES)
  expect(words.at(-1)).toEqual({ featureId: 'processing', status: 'maintenance' })
  expect(announcement).toEqual({
    id: 'm1',
    status: 'in_progress',
    startsAtMs: Date.parse(AT),
    endsAtMs: Date.parse(AT) + 3_600_000,
    text: 'New disks.',
  })
})

test('an Upbeat platform: who ordered what, why and until when, and of several for one the worst', () => {
  const until = '2026-05-01T13:00:00.000Z'
  const ordered = { reason: 'operator', note: 'new disks', until, share: 0 } as const
  const text = stateWith(
    {
      comments: { mode: 'cached', ...ordered },
      counts: { mode: 'cached', ...ordered },
      processing: { mode: 'paused', ...ordered },
      telemetry: { mode: 'reduced', ...ordered },
    },
    { level: 3, order: { level: 3, reason: 'new disks', since: AT, until } },
  )
  const [sinceMs, untilMs] = [Date.parse(AT), Date.parse(until)]
  const word = { reason: 'operator', note: 'new disks', share: 0, sinceMs, untilMs }
  expect(readState(text, NAMES).declared).toEqual({
    level: 3,
    sinceMs,
    order: { level: 3, reason: 'new disks', sinceMs, untilMs },
    regions: [],
    features: new Map([
      ['comments', { mode: 'cached', ...word }],
      ['processing', { mode: 'paused', ...word }],
    ]),
    takenBack: null,
  })
})

test('an Upbeat platform: regions that are closed or catching up are told, and are no outage', () => {
  const closed = { name: 'eu', state: 'closed', behindS: null, reason: 'By order.', share: 0 }
  const behind = { name: 'us', state: 'catching-up', behindS: 48.2, reason: null, share: 1 }
  const served = { name: 'asia', state: 'serving', behindS: 0, reason: null, share: 1 }
  const state = { ...JSON.parse(stateWith({})), regions: [closed, behind, served] }
  const { words, declared } = readState(JSON.stringify(state), NAMES)
  expect(declared.regions?.map(regionWords)).toEqual([
    'eu: closed in this region: “By order.”',
    'us: catching up, 48 s behind',
  ])
  expect(words.every(({ status }) => status === 'operational')).toBe(true)
})

test('an Upbeat platform of a version that tells neither orders nor their ends is understood', () => {
  const { order: _, ...state } = JSON.parse(stateWith({ comments: { mode: 'paused', reason: 'operator' } }))
  delete state.features.comments.until
  expect(readState(JSON.stringify(state), NAMES).declared).toMatchObject({
    order: null,
    features: new Map([['comments', expect.objectContaining({ mode: 'paused', untilMs: null })]]),
  })
})

test('an Upbeat platform: its steps on the way back, and none where they can not be understood', () => {
  const event = { at: AT, step: 'sign-in', share: 0.25, why: 'the gate is good' }
  const text = JSON.stringify({ steps: [], timeline: [event] })
  expect(readRestoration(text)).toEqual([
    { step: 'sign-in', atMs: Date.parse(AT), share: 0.25, why: 'the gate is good' },
  ])
  for (const hostile of ['', '[]', '{"timeline":[{}]}', 'null']) expect(readRestoration(hostile)).toEqual([])
})

const endless = { id: 'm1', state: 'announced', startsAt: AT, endsAt: AT, text: 'x'.repeat(501) }

test('an Upbeat platform: maintenance of one feature hides no outage of another that stands for the same', () => {
  const text = stateWith({
    counts: { mode: 'paused', reason: 'database' },
    processing: { mode: 'paused', reason: 'maintenance' },
  })
  expect(readState(text, NAMES).words.at(-1)).toEqual({ featureId: 'processing', status: 'major' })
})

test.each(['', '<html>', '{}', 'null', stateWith({}, { level: 6 }), stateWith({}, { maintenance: endless })])(
  'an Upbeat platform: %.20j is unknown, and never "all is well"',
  (text) => expect(() => readState(text, NAMES)).toThrow(UnreadableWordError),
)

test('an Upbeat platform: a release that went back by itself is told with its reason', () => {
  const refused = { what: 'flags', at: AT, reason: 'It is twice as long.', wasUsed: false }
  expect(readState(stateWith({}, { takenBack: refused }), NAMES).declared.takenBack?.wasUsed).toBe(false)
  const takenBack = { what: 'code', at: AT, reason: '37 of its 37 requests failed.' }
  expect(readState(stateWith({}, { takenBack }), NAMES).declared.takenBack).toEqual({
    what: 'code',
    atMs: Date.parse(AT),
    reason: '37 of its 37 requests failed.',
    // Of a release that did not say so yet.
    wasUsed: true,
  })
  expect(readState(stateWith({}), NAMES).declared.takenBack).toBeNull()
})
