import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { serverFaultProblem } from '#lib/api/answer-problems.ts'
import { localProblem, offlineProblem } from '#lib/api/problem.ts'
import { helpsToWait, keepTrying, pauseAfterMs } from './keep-trying.ts'

const page = Object.assign(new EventTarget(), { hidden: false })
const browser = new EventTarget()

beforeEach(() => {
  vi.useFakeTimers()
  page.hidden = false
  vi.stubGlobal('document', page)
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser))
  vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function showPage(isShown: boolean): void {
  page.hidden = !isShown
  page.dispatchEvent(new Event('visibilitychange'))
}

test('pauses grow with the failures, and stay between 3 and 30 seconds', () => {
  expect([1, 2, 3, 4, 50].map((failures) => pauseAfterMs(failures, () => 1))).toEqual([
    6000, 12_000, 24_000, 30_000, 30_000,
  ])
  expect([1, 50].map((failures) => pauseAfterMs(failures, () => 0))).toEqual([3000, 3000])
})

test('only what the network or the server may mend by itself is tried again', () => {
  expect(helpsToWait(offlineProblem())).toBe(true)
  expect(helpsToWait(serverFaultProblem(503))).toBe(true)
  const mistaken = { code: 'x', title: '', detail: '', next: '' }
  expect(helpsToWait(localProblem({ ...mistaken, side: 'you', status: 404 }))).toBe(false)
  expect(helpsToWait(localProblem({ ...mistaken, side: 'us' }))).toBe(false)
})

test('a try follows by itself, once', () => {
  const retry = vi.fn<() => void>()
  keepTrying({ place: 'once', retry, random: () => 0 })
  vi.advanceTimersByTime(2999)
  expect(retry).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_000)
  expect(retry).toHaveBeenCalledOnce()
})

test('the network’s return ends the pause', () => {
  const retry = vi.fn<() => void>()
  keepTrying({ place: 'online', retry, random: () => 1 })
  browser.dispatchEvent(new Event('online'))
  vi.advanceTimersByTime(0)
  expect(retry).toHaveBeenCalledOnce()
})

test('nothing is tried while nobody looks, and what was due then is tried when somebody does', () => {
  const retry = vi.fn<() => void>()
  keepTrying({ place: 'hidden', retry })
  showPage(false)
  vi.advanceTimersByTime(600_000)
  expect(retry).not.toHaveBeenCalled()
  showPage(true)
  vi.advanceTimersByTime(0)
  expect(retry).toHaveBeenCalledOnce()
})

test('the server’s own wish is honoured, and a try that was called off does not come', () => {
  const [waited, calledOff] = [vi.fn<() => void>(), vi.fn<() => void>()]
  keepTrying({ place: 'wish', retry: waited, atLeastMs: 20_000, random: () => 0 })
  keepTrying({ place: 'off', retry: calledOff })()
  vi.advanceTimersByTime(19_999)
  expect(waited).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(waited).toHaveBeenCalledOnce()
  expect(calledOff).not.toHaveBeenCalled()
})
