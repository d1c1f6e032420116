import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { FEATURES } from '../../../contract/state.ts'
import { readText, serveLocally } from '../../../tests/support/local-server.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import { createJourneyRunner, givenAccount } from './index.ts'

type Answer = readonly [status: number, body: unknown]
type Answers = Readonly<Record<string, Answer | ((body: string) => Answer)>>

const problem = (status: number, code: string): Answer => [status, { code }]
const SIGNED_IN: Answers = {
  'POST /api/v1/sessions': [201, {}],
  'GET /api/v1/me': [200, { account: { handle: 'watch' } }],
  'GET /api/v1/me/videos': [200, { items: [{ id: 'v1', caption: 'The outage monitor comments here' }] }],
}

/** A platform that answers what it is told to, each by the clock as late as it is told to, and the runner of journeys through it. */
async function openPlatform(answers: Answers, takingMs = 0) {
  const asked: string[] = []
  const clock = createFakeClock()
  const server = await serveLocally((request: IncomingMessage, response) => {
    const path = `${request.method} ${request.url!.split('?')[0]}`
    asked.push(path)
    clock.advance(takingMs)
    void readText(request).then((text) => {
      const found = answers[path] ?? problem(404, 'not-found')
      const [status, body] = typeof found === 'function' ? found(text) : found
      response.writeHead(status, {
        'content-type': status < 400 ? 'application/json' : 'application/problem+json',
        'set-cookie': 'session=1',
      })
      response.end(status === 204 ? undefined : JSON.stringify(body))
    })
  })
  const account = { origin: server.url, handle: 'watch', password: 'a long password' }
  const run = createJourneyRunner(clock, givenAccount(account))
  return {
    asked,
    go: (journey: MonitorOf<'journey'>['journey'], timeoutS = 5) =>
      run(
        {
          type: 'journey',
          journey,
          id: 'a',
          features: ['a'],
          url: server.url,
          everyS: 10,
          retryS: 4,
          timeoutS,
          allowPrivate: true,
          region: null,
          vantages: null,
          rung: null,
          until: 'playable',
          account: null,
        } as MonitorOf<'journey'>,
        { serviceId: 'upbeat', signal: new AbortController().signal },
      ),
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('while signing in is paused, what needs a session is not looked at, and not accused', async () => {
  await using platform = await openPlatform({ 'POST /api/v1/sessions': problem(503, 'feature-paused') })
  expect(await platform.go('upbeat-search')).toMatchObject({
    outcome: 'error',
    failure: null,
    detail: 'Nothing could be looked at: sign-in: it answers 503 (feature-paused).',
  })
  expect(await platform.go('upbeat-sign-in')).toMatchObject({ outcome: 'failed', failure: 'http-5xx' })
})

test('where nobody is reached at all, what needs a session fails with it', async () => {
  await using platform = await openPlatform({})
  await platform.server[Symbol.asyncDispose]()
  expect(await platform.go('upbeat-search')).toMatchObject({ outcome: 'failed', failure: 'refused' })
})

test('a session that is refused where it was only needed is renewed by the next journey', async () => {
  let isKnown = false
  await using platform = await openPlatform({
    ...SIGNED_IN,
    'GET /api/v1/me/videos': () =>
      (isKnown ? SIGNED_IN['GET /api/v1/me/videos'] : problem(401, 'signed-out')) as Answer,
    'POST /api/v1/videos/v1/comments': [201, { id: 'c1' }],
    'GET /api/v1/videos/v1/comments': [200, { items: [{ id: 'c1', body: '' }] }],
    'DELETE /api/v1/comments/c1': [204, null],
  })
  expect((await platform.go('upbeat-comment')).outcome).toBe('error')
  isKnown = true
  expect((await platform.go('upbeat-comment')).outcome).toBe('ok')
  expect(platform.asked.filter((path) => path === 'POST /api/v1/sessions')).toHaveLength(2)
})

test('while the feed is paused, the video is looked at that it gave before, and none is accused if there was none', async () => {
  let feed: Answer = problem(503, 'feature-paused')
  await using platform = await openPlatform({
    'GET /api/v1/feed/for-you': () => feed,
    'GET /media/v1/master.m3u8': problem(500, 'broken'),
  })
  expect(await platform.go('upbeat-video')).toMatchObject({ outcome: 'error', failure: null })
  feed = [200, { items: [{ playback: { masterUrl: '/media/v1/master.m3u8' } }] }]
  await platform.go('upbeat-video')
  feed = problem(503, 'feature-paused')
  expect(await platform.go('upbeat-video')).toMatchObject({
    outcome: 'failed',
    detail: 'playlist: it answers 500 (broken).',
  })
  feed = [200, { items: [] }]
  expect(await platform.go('upbeat-video')).toMatchObject({ outcome: 'ok' })
})

const commented = (made: object, list: object): Answers => ({
  ...SIGNED_IN,
  'POST /api/v1/videos/v1/comments': [201, { id: 'c1', ...made }],
  'GET /api/v1/videos/v1/comments': [200, list],
  'DELETE /api/v1/comments/c1': problem(503, 'feature-paused'),
})

test('comments that are shown with their age work as they are declared', async () => {
  await using platform = await openPlatform(commented({}, { items: [], asOf: '2026-05-01T12:00:00Z' }))
  expect(await platform.go('upbeat-comment')).toMatchObject({ outcome: 'ok' })
})

test('a comment that is only kept is one that others do not see', async () => {
  const list = { items: [], asOf: '2026-05-01T12:00:00Z' }
  await using platform = await openPlatform(commented({ isKept: true }, list))
  expect(await platform.go('upbeat-comment')).toMatchObject({
    outcome: 'failed',
    detail: 'comments: it is taken and kept, and others do not see it yet.',
  })
})

test('a comment of a check that could not be taken back is by a later one', async () => {
  const left = { id: 'c0', body: 'Check 1' }
  await using platform = await openPlatform(
    commented({}, { items: [{ id: 'c1', body: 'Check 2' }, left, { id: 'p', body: 'Hello' }] }),
  )
  expect(await platform.go('upbeat-comment')).toMatchObject({ outcome: 'ok' })
  expect(platform.asked.filter((path) => path.startsWith('DELETE'))).toEqual([
    'DELETE /api/v1/comments/c1',
    'DELETE /api/v1/comments/c0',
  ])
})

test.each([
  ['cached', 'overload', 'ok'],
  ['cached', 'operator', 'ok'],
  ['cached', 'worker', 'failed'],
  ['on', null, 'failed'],
  ['paused', 'operator', 'failed'],
])(
  'counts that do not move while they are declared %s for the reason %s: %s',
  async (mode, reason, outcome) => {
    const at = '2026-05-01T12:00:00.000Z'
    const on = { mode: 'on', since: at, reason: null, share: 1, note: null }
    const features = Object.fromEntries(
      FEATURES.map((name) => [name, name === 'counts' ? { ...on, mode, reason } : on]),
    )
    await using platform = await openPlatform({
      ...SIGNED_IN,
      'GET /api/v1/videos/v1': [200, { counts: { asOf: at } }],
      'PUT /api/v1/videos/v1/like': [200, { isLiked: true }],
      'GET /api/v1/state': [200, { level: 2, since: at, features, maintenance: null }],
    })
    expect((await platform.go('upbeat-counts', 1)).outcome).toBe(outcome)
  },
)

const COUNTED: Answers = {
  ...SIGNED_IN,
  'GET /api/v1/videos/v1': [200, { counts: { asOf: null } }],
  'PUT /api/v1/videos/v1/like': [200, { isLiked: true }],
}

test('answers that each come in time are no outage, however long all of them take; what was prepared is not counted', async () => {
  const list = { items: [{ id: 'c1', body: '' }] }
  await using platform = await openPlatform(commented({}, list), 4_000)
  expect(await platform.go('upbeat-comment')).toMatchObject({ outcome: 'ok', durationMs: 12_000 })
})

test('a way that takes three times as long as one answer may is given up, and says so', async () => {
  await using platform = await openPlatform(COUNTED, 8_000)
  expect(await platform.go('upbeat-counts')).toMatchObject({
    outcome: 'failed',
    failure: 'timeout',
    detail: 'counts: what came before was answered in time, each by itself, and all of it took 16000 ms.',
  })
})

test('a clip that is not playable in time is waited for by the next journey, and sent only once', async () => {
  let state = 'processing'
  const base = { id: 'u1', videoId: 'v9', failure: null }
  await using platform = await openPlatform({
    ...SIGNED_IN,
    'GET /api/v1/me/videos': [200, { items: [] }],
    'POST /api/v1/uploads': [201, base],
    'PATCH /api/v1/uploads/u1': [204, null],
    'GET /api/v1/uploads/u1': () => [200, { ...base, state }],
    'POST /api/v1/videos/v9/comments': [201, { id: 'c1' }],
    'GET /api/v1/videos/v9/comments': [200, { items: [{ id: 'c1', body: '' }] }],
    'DELETE /api/v1/comments/c1': [204, null],
  })
  expect(await platform.go('upbeat-comment', 1)).toMatchObject({
    outcome: 'error',
    detail: expect.stringContaining('still processing'),
  })
  state = 'playable'
  expect((await platform.go('upbeat-comment', 1)).outcome).toBe('ok')
  expect(platform.asked.filter((path) => path === 'POST /api/v1/uploads')).toHaveLength(1)
})

test('a video that was found once is looked at also while nobody tells which are ours', async () => {
  let isAway = false
  const away = problem(503, 'database-unavailable')
  const list = { items: [{ id: 'c1', body: '' }] }
  const answers = commented({}, list)
  await using platform = await openPlatform({
    ...answers,
    'GET /api/v1/me/videos': () => (isAway ? away : (SIGNED_IN['GET /api/v1/me/videos'] as Answer)),
    'POST /api/v1/videos/v1/comments': () => (isAway ? away : [201, { id: 'c1' }]),
  })
  expect((await platform.go('upbeat-comment')).outcome).toBe('ok')
  isAway = true
  expect(await platform.go('upbeat-comment')).toMatchObject({ outcome: 'failed', failure: 'http-5xx' })
})
