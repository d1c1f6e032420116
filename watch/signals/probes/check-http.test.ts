import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { serveLocally } from '../../../tests/support/local-server.ts'
import { Monitor, type MonitorOf } from '../../configuration/index.ts'
import { checkHttp } from './check-http.ts'

async function check(
  answer: (response: ServerResponse) => void,
  monitor: Partial<MonitorOf<'http'>> | Record<string, unknown> = {},
) {
  await using server = await serveLocally((_request, response) => answer(response))
  const parsed = Monitor.parse({
    id: 'page',
    type: 'http',
    features: ['page'],
    url: `${server.url}/`,
    allowPrivate: true,
    ...monitor,
  })
  return await checkHttp(parsed as MonitorOf<'http'>)
}

const page =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body)

test('an answer that is as expected passes, with its phases', async () => {
  const result = await check(page(200, '<h1>Welcome</h1>'), {
    expect: { headers: { 'content-type': '^text/html' }, contains: ['Welcome'], lacks: ['Fatal error'] },
  })
  expect(result).toMatchObject({ outcome: 'ok', failure: null, phases: { firstByteMs: expect.any(Number) } })
})

test.each([
  [500, 'http-5xx', {}],
  [503, 'http-5xx', {}],
  [503, 'overloaded', { 'retry-after': '5' }],
  [429, 'overloaded', {}],
  [404, 'http-4xx', {}],
  [451, 'blocked-by-law', {}],
])('an answer of %i is %s', async (status, failure, headers) => {
  expect(await check(page(status, 'x', headers as Record<string, string>))).toMatchObject({
    outcome: 'failed',
    failure,
  })
})

test('a block page is told from a fault and from the service itself, whatever its status', async () => {
  const blocked = 'Access to this website has been blocked by order of the court.'
  expect(await check(page(403, blocked))).toMatchObject({ failure: 'block-page' })
  expect(await check(page(200, blocked), { expect: { contains: ['Welcome'] } })).toMatchObject({
    failure: 'block-page',
  })
  expect(
    await check(page(200, 'Your account is blocked.'), { expect: { contains: ['Welcome'] } }),
  ).toMatchObject({
    failure: 'assertion',
  })
})

test('a listing that is gone from a store is no outage of the service', async () => {
  expect(await check(page(404), { isStoreListing: true })).toMatchObject({ failure: 'store-listing-gone' })
  expect(await check(page(500), { isStoreListing: true })).toMatchObject({ failure: 'http-5xx' })
})

test('JSON is judged by its values', async () => {
  const json = page(200, JSON.stringify({ items: [{ id: 'a' }], ok: true }), {
    'content-type': 'application/json',
  })
  const passes = await check(json, {
    expect: {
      json: [
        { path: 'ok', equals: true },
        { path: 'items', minItems: 1 },
        { path: 'items.0.id', matches: '^a$' },
      ],
    },
  })
  expect(passes.outcome).toBe('ok')
  const fails = await check(json, { expect: { json: [{ path: 'items', minItems: 2 }] } })
  expect(fails).toMatchObject({ failure: 'assertion', detail: 'items has fewer than 2 item(s).' })
  expect(
    await check(page(200, '<html>'), { expect: { json: [{ path: 'ok', exists: true }] } }),
  ).toMatchObject({
    failure: 'assertion',
    detail: 'The body is no JSON.',
  })
})

test('what is refused for our sake is our own fault, never an outage', async () => {
  expect(await check(page(200), { allowPrivate: false })).toMatchObject({ outcome: 'error', failure: null })
})

test('a target that does not answer is timed out', async () => {
  expect(await check(() => {}, { timeoutS: 0.1 })).toMatchObject({ outcome: 'failed', failure: 'unanswered' })
})
