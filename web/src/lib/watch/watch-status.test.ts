import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startWatching } from './watch-status.svelte.ts'

const WATCH_URL = 'https://watch.example.org/status.json'

const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
/** Lets the watch's answers come. */
let answerWatch: () => void
let looks = 0

function storage() {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  looks = 0
  vi.stubGlobal('document', page)
  vi.stubGlobal('localStorage', storage())
  vi.stubGlobal('sessionStorage', storage())
  vi.stubGlobal('fetch', async (url: string) => {
    if (url !== WATCH_URL) return Response.json({ watchStatusUrl: WATCH_URL })
    looks += 1
    await new Promise<void>((resolve) => (answerWatch = resolve))
    return new Response(null, { status: 503 })
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('however often the page comes back into view while a look is under way, there is one round of looks', async () => {
  const stop = startWatching()
  await vi.advanceTimersByTimeAsync(0)
  answerWatch()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks).toBe(2)

  for (let count = 0; count < 3; count++) page.dispatchEvent(new Event('visibilitychange'))
  expect(looks).toBe(2)
  answerWatch()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks).toBe(3)
  answerWatch()
  await vi.advanceTimersByTimeAsync(59_000)
  expect(looks).toBe(3)
  stop()
})

test('coming back into view between two looks brings the next one forward', async () => {
  const stop = startWatching()
  await vi.advanceTimersByTimeAsync(0)
  answerWatch()
  await vi.advanceTimersByTimeAsync(1_000)
  page.dispatchEvent(new Event('visibilitychange'))
  expect(looks).toBe(2)
  stop()
})
