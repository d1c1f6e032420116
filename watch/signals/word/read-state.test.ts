import { expect, test } from 'vitest'
import { FEATURES, type Feature, type FeatureState } from '../../../contract/state.ts'
import { readState, UnreadableWordError } from './read-word.ts'

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
  rest: { level?: number; maintenance?: object | null } = {},
): string {
  const on: FeatureState = { mode: 'on', since: AT, reason: null, share: 1, note: null }
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
  expect(readState(text, NAMES)).toEqual({
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
