import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FeatureMode, ServiceState, ViewReport } from '#lib/api/types.ts'
import { service } from '#lib/service/service.svelte.ts'
import { addViewReport, flushAfterMs, flushViewReports, joinReports, onPageLeft } from './view-reporter.ts'

const view = (key: string, watchedMs = 3000): ViewReport => ({
  videoId: 'v',
  key,
  watchedMs,
  completions: 0,
  source: 'for-you',
})
const keysIn = (body: unknown) =>
  (JSON.parse(body as string) as { views: ViewReport[] }).views.map(({ key }) => key)

let sent: string[][] = []
let isServerAway = false
const stored = new Map<string, string>()
const page = Object.assign(new EventTarget(), { hidden: false })

function say(telemetry: FeatureMode): void {
  service.state = {
    level: 0,
    features: { telemetry: { mode: telemetry, share: 1 } },
  } as unknown as ServiceState
}

beforeEach(() => {
  sent = []
  isServerAway = false
  say('on')
  vi.useFakeTimers()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, text: string) => void stored.set(key, text),
    removeItem: (key: string) => void stored.delete(key),
  })
  const events = new EventTarget()
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
  vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events))
  vi.stubGlobal('document', page)
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    if (isServerAway) throw new TypeError('away')
    sent.push(keysIn(init.body))
    return new Response(null, { status: 204 })
  })
})
afterEach(async () => {
  isServerAway = false
  await flushViewReports()
  service.state = null
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('reports go together after five seconds, or after a minute while fewer are wanted', async () => {
  addViewReport(view('a'))
  await vi.advanceTimersByTimeAsync(5000)
  expect(sent).toEqual([['a']])

  say('reduced')
  addViewReport(view('b'))
  addViewReport(view('c'))
  await vi.advanceTimersByTimeAsync(59_000)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1000)
  expect(sent).toEqual([['a'], ['b', 'c']])
})

test('while none are wanted they wait on the device, and are sent once they are wanted', async () => {
  say('paused')
  addViewReport(view('a'))
  const stop = onPageLeft(() => {})
  page.hidden = true
  page.dispatchEvent(new Event('visibilitychange'))
  page.hidden = false
  await vi.advanceTimersByTimeAsync(600_000)
  expect(sent).toEqual([])
  expect([...stored.values()].join()).toContain('"a"')

  say('on')
  await flushViewReports()
  expect(sent).toEqual([['a']])
  expect(stored.size).toBe(0)
  stop()
})

test('a report that does not get through is kept, and a newer one of the same showing replaces it', async () => {
  isServerAway = true
  addViewReport(view('a', 2000))
  await flushViewReports()
  addViewReport(view('a', 4000))
  expect([...stored.values()].join()).toContain('2000')

  isServerAway = false
  await flushViewReports()
  expect(sent).toEqual([['a']])
  expect(stored.size).toBe(0)
})

test('a thousand reports are kept, the newest ones', () => {
  const many = Array.from({ length: 1001 }, (_, n) => view(String(n)))
  const joined = joinReports([], many)
  expect(joined).toHaveLength(1000)
  expect(joined[0]!.key).toBe('1')
})

test('only a pause waits without an end', () => {
  expect((['on', 'reduced', 'kept', 'paused'] as const).map(flushAfterMs)).toEqual([
    5000,
    60_000,
    60_000,
    null,
  ])
})
