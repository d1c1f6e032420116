import { afterEach, expect, test } from 'vitest'
import { request } from './client.ts'

interface Sent {
  readonly headers: Record<string, string>
}

const realFetch = globalThis.fetch
afterEach(() => {
  globalThis.fetch = realFetch
})

/** A server that answers in this order, and says what it was sent. */
function serve(...answers: readonly Response[]): Sent[] {
  const sent: Sent[] = []
  globalThis.fetch = async (_url, init) => {
    sent.push({ headers: { ...(init!.headers as Record<string, string>) } })
    return answers[sent.length - 1]!
  }
  return sent
}

const busy = () =>
  Response.json(
    { code: 'busy', status: 503, side: 'us', detail: 'More than it can.', next: 'Wait.' },
    { status: 503, headers: { 'retry-after': '0' } },
  )

test('what somebody waits for is asked for again', async () => {
  const sent = serve(busy(), Response.json({ items: [] }))
  expect(await request('/feed/for-you')).toEqual({ items: [] })
  expect(sent).toHaveLength(2)
})

test('what nobody waits for says so, and is never sent again by itself', async () => {
  const sent = serve(busy())
  const asked = request('/videos/1/comments', { isBackground: true })
  await expect(asked).rejects.toThrow('busy')
  expect(sent).toHaveLength(1)
  expect(sent[0]!.headers['priority']).toBe('u=7')
})

test('the server is told for how long we wait', async () => {
  const sent = serve(Response.json({}), Response.json({}))
  await request('/me', { timeoutMs: 2_500 })
  await request('/me')
  expect(sent.map(({ headers }) => headers['x-deadline-ms'])).toEqual(['2500', '10000'])
  expect(sent[0]!.headers['priority']).toBeUndefined()
})

test('a wait that is long is shown, not sat out', async () => {
  const sent = serve(
    Response.json(
      { code: 'busy', status: 503, side: 'us', detail: 'More than it can.', next: 'Wait.' },
      { status: 503, headers: { 'retry-after': '30' } },
    ),
  )
  await expect(request('/search')).rejects.toMatchObject({ problem: { retryAfterS: 30 } })
  expect(sent).toHaveLength(1)
})
