/** One version back keeps working: what recorded releases of the web app ask is answered as they know it. */
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createApi } from '../../platform/roles/api.ts'
import { makeClip } from '../support/clips.ts'
import { makeVideo } from '../support/videos.ts'
import { createWorld } from '../support/world.ts'
import { createBindings, createScrubber, Traffic, type Bindings, type Exchange } from './traffic.ts'

const RECORDED = join(import.meta.dirname, 'recorded')

async function readTraffic(file: string): Promise<Traffic> {
  return Traffic.parse(JSON.parse(await readFile(join(RECORDED, file), 'utf8')))
}

/** The instance as it was when the recording began: one author with one video. */
async function serve(traffic: Traffic) {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const author = await world.account({ handle: traffic.authorHandle })
  await makeVideo(world, author.id, { caption: 'A clip #recorded' })
  const app = stack.adopt(await createApi(world.ctx), (made) => made.close())
  app.server.listen(0, '127.0.0.1')
  await once(app.server, 'listening')
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const owned = stack.move()
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface Client {
  readonly url: string
  readonly clip: Buffer
  readonly bindings: Bindings
  cookie: string
}

/** Sends a recorded request as its app would now; answers what the app would miss. */
async function replay(client: Client, recorded: Exchange): Promise<string[]> {
  const { bindings } = client
  const headers = Object.fromEntries(
    Object.entries(recorded.headers).map(([name, value]) => [name, bindings.fill(value)]),
  )
  const path = bindings.fill(recorded.path)
  const answer = await fetch(`${client.url}${path}`, {
    method: recorded.method,
    // By this a server knows a page of its own, also one from before pages named their build.
    headers: { ...headers, cookie: client.cookie, 'sec-fetch-site': 'same-origin' },
    ...bodyOf(client, recorded),
  })
  for (const cookie of answer.headers.getSetCookie())
    if (/session/.test(cookie)) client.cookie = cookie.split(';')[0]!
  const isJson = /\bjson\b/.test(answer.headers.get('content-type') ?? '')
  const now: unknown = isJson ? await answer.json() : void (await answer.arrayBuffer())
  const where = `${recorded.method} ${recorded.path}`
  if (answer.status !== recorded.status)
    return [`${where} was answered ${recorded.status}, and is ${answer.status}: ${JSON.stringify(now)}`]
  return bindings.learn(recorded.answer, now).map((missing) => `${where}: ${missing}`)
}

function bodyOf({ bindings, clip }: Client, { body }: Exchange): { body?: string | Uint8Array<ArrayBuffer> } {
  if (body === undefined) return {}
  if ('json' in body) return { body: bindings.fill(JSON.stringify(body.json)) }
  return { body: new Uint8Array(clip.subarray(body.clipFrom, body.clipTo)) }
}

test('every request of a recorded release is answered with all that its app reads', async () => {
  const files = await readdir(RECORDED)
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    const traffic = await readTraffic(file)
    await using server = await serve(traffic)
    const clip = await readFile(await makeClip('h264'))
    const client: Client = { url: server.url, clip, bindings: createBindings(), cookie: '' }
    const missing: string[] = []
    for (const exchange of traffic.exchanges) missing.push(...(await replay(client, exchange)))
    expect([file, missing]).toEqual([file, []])
  }
})

test('a field that is gone, of another type, or of another meaning is missed', () => {
  const { learn } = createBindings()
  const recorded = { items: [{ id: '{{id:1}}', kind: 'like', count: 3, note: null }] }
  expect(learn(recorded, { items: [{ id: 'a', kind: 'like', count: 0, note: 'new', more: 1 }] })).toEqual([])
  expect(learn(recorded, { items: [] })).toEqual(['items has 0 of 1 items'])
  expect(learn(recorded, { items: [{ id: 'a', kind: 'heart', count: '3' }] })).toEqual([
    'items[0].kind was like, and is heart',
    'items[0].count was a number, and is "3"',
  ])
})

test('what names a run is a token in the recording, and this run’s own value when it is replayed', () => {
  const id = '0198c0de-0000-7000-8000-000000000001'
  const scrub = createScrubber()
  expect(scrub({ id, nextCursor: 'abc+/', url: `/media/t/secret/${id}/a.m3u8` })).toEqual({
    id: '{{id:1}}',
    nextCursor: '{{cursor:1}}',
    url: '/media/t/token/{{id:1}}/a.m3u8',
  })
  expect(scrub('/feed?cursor=abc%2B%2F')).toBe('/feed?cursor={{cursor:1}}')
  const bindings = createBindings()
  bindings.learn({ id: '{{id:1}}' }, { id: 'mine' })
  expect(bindings.fill('/videos/{{id:1}}/like')).toBe('/videos/mine/like')
  expect(bindings.fill('{{id:2}}')).toBe(bindings.fill('{{id:2}}'))
})

test('a recording holds neither sessions nor addresses of people', async () => {
  for (const file of await readdir(RECORDED)) {
    const text = await readFile(join(RECORDED, file), 'utf8')
    expect(text).not.toMatch(/cookie|127\.0\.0\.1|[\w.]+@[\w-]+\.\w/i)
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-7/)
  }
})
