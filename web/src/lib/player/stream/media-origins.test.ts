import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { currentEdge, fetchMedia, setMediaOrigins } from './media-origins.ts'

const HOME = 'https://video.example'
const asked: string[] = []
/** The far network: what each place answers. */
const answers = new Map<string, () => Promise<Response>>()
const ok = (edge: string) => async () => new Response('bytes', { headers: { 'upbeat-edge': edge } })
const never = () => new Promise<Response>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('location', new URL(`${HOME}/`))
  vi.stubGlobal('fetch', (url: string, { signal }: { signal: AbortSignal }) => {
    asked.push(url)
    return new Promise<Response>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      answers.get(new URL(url).origin)!().then(resolve, reject)
    })
  })
  asked.length = 0
  answers.clear()
})
afterEach(() => {
  // The place in use is the page's: back to the first one.
  setMediaOrigins([])
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const read = (path: string) => fetchMedia(HOME + path, { signal: new AbortController().signal })

test('where the page came from is asked first, and nobody else while it answers', async () => {
  setMediaOrigins([HOME, 'https://b.example'])
  answers.set(HOME, ok('edge-a'))
  await read('/media/1.m4s')
  expect([asked, currentEdge()]).toEqual([[`${HOME}/media/1.m4s`], { name: 'edge-a', host: 'video.example' }])
})

test.each([
  ['is unreachable', () => Promise.reject(new TypeError('no route'))],
  ['says that it can not', async () => new Response('', { status: 503 })],
  ['is silent', never],
])('who %s is left for the next one, which stays in use', async (_, fault) => {
  setMediaOrigins(['https://b.example'])
  answers.set(HOME, fault)
  answers.set('https://b.example', ok('edge-b'))
  const reading = read('/media/1.m4s')
  await vi.advanceTimersByTimeAsync(1_200)
  expect((await reading).status).toBe(200)
  await read('/media/2.m4s')
  expect(asked.slice(1)).toEqual(['https://b.example/media/1.m4s', 'https://b.example/media/2.m4s'])
  expect(currentEdge()).toEqual({ name: 'edge-b', host: 'b.example' })
})

test('what is not there is not looked for elsewhere', async () => {
  setMediaOrigins(['https://b.example'])
  answers.set(HOME, async () => new Response('', { status: 404 }))
  expect((await read('/media/1.m4s')).status).toBe(404)
  expect(asked).toHaveLength(1)
})
