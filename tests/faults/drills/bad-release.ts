/**
 * Bad releases, each of code that is really run: they are found out and back in time, and hardly anybody meets them. A good one
 * gets through. At the end people watch in Chromium while bad ones come and go.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAULTS, LIMITS_MS, type Fault } from '../../rig/releases/code.ts'
import type { Released } from '../../rig/releases/releasing.ts'
import { openReleaseStage, WARM_UP_MS } from '../../rig/releases/stage.ts'
import { HARMED_SHARE_MAX, type Suffered } from '../../rig/releases/suffering.ts'
import { startBrowsing, type Seen } from '../../rig/people/browsing.ts'
import { publishVideos } from '../../rig/people/publishing.ts'
import type { DrillOptions } from '../options.ts'
import { allowedMs, type Report } from '../report.ts'

const BROWSERS = 2
const VIDEOS = 4
/** One that golden requests find, and one that people have to meet before it is found. */
const WATCHED = ['a crash on one path', '2 % 500s'] as const satisfies readonly Fault[]
const STALL_MAX_MS = 2_000
const FAILURES_SHOWN = 3

export async function run(report: Report, { without }: DrillOptions): Promise<void> {
  await using stage = await openReleaseStage()
  const faults = without.includes('judge') ? (['all 500s'] as const) : (Object.keys(FAULTS) as Fault[])
  for (const fault of faults) {
    const suffered = await stage.suffer(fault, fault)
    promiseBack(report, fault, suffered.released)
    promiseUnharmed(report, fault, suffered)
  }
  if (without.includes('judge')) return
  const good = await stage.suffer(null, 'good')
  const { isPromoted, tookMs, words } = good.released
  report.promise('a good release gets through', isPromoted, `${seconds(tookMs)}: ${words}`)
  promiseUnharmed(report, 'a good release', good)
  await publishVideos(stage.product.url, VIDEOS)
  await using people = await startBrowsing({ url: stage.product.url, people: BROWSERS })
  await sleep(WARM_UP_MS)
  for (const fault of WATCHED) {
    await people.reset()
    const suffered = await stage.suffer(fault, `watched: ${fault}`)
    promiseUnnoticed(report, `${fault}, in Chromium`, suffered, await people.look())
  }
}

function promiseUnnoticed(report: Report, what: string, suffered: Suffered, seen: Seen): void {
  const { released, asked, failed, kinds } = suffered
  const { requests, failures, stallMaxMs, turns } = seen
  report.promise(`${what}: it goes back`, !released.isPromoted, describe(released))
  const share = (failed + failures.length) / (asked + requests)
  const wrong = [kinds, ...failures.slice(0, FAILURES_SHOWN)].filter(Boolean).join(', ')
  report.promise(
    `${what}: at most 0.1 % of requests fail`,
    share <= HARMED_SHARE_MAX,
    `${failures.length} of ${requests} of ${BROWSERS} browsers, ${failed} of ${asked} of others${wrong && `: ${wrong}`}`,
  )
  const limitMs = allowedMs(STALL_MAX_MS)
  report.promise(
    `${what}: no video stands still for more than ${seconds(limitMs)}`,
    turns > 0 && stallMaxMs <= limitMs,
    `${seconds(stallMaxMs)} at the worst, ${turns} times the next video`,
  )
}

function promiseBack(report: Report, fault: Fault, released: Released): void {
  const limitMs = allowedMs(LIMITS_MS[fault])
  report.promise(
    `${fault}: back within ${seconds(limitMs)} of its first request`,
    isBackInTime(fault, released, limitMs),
    describe(released),
  )
}

/** What went wrong before the release was tried at all says nothing about it, unless it can't even be loaded. */
const isBackInTime = (fault: Fault, { isPromoted, judgedMs, words }: Released, limitMs: number): boolean =>
  !isPromoted &&
  words.includes('The old code runs everywhere') &&
  (fault === 'a crash on load' ? judgedMs === null : judgedMs !== null && judgedMs <= limitMs)

function promiseUnharmed(report: Report, what: string, suffered: Suffered): void {
  const { asked, failed, failedShare, kinds, reckoned } = suffered
  report.promise(
    `${what}: at most 0.1 % of requests fail, from its start to ten minutes after`,
    failedShare <= HARMED_SHARE_MAX,
    `${failed} of ${asked} sent${kinds ? ` (${kinds})` : ''}; ${(failedShare * 100).toFixed(3)} % with ` +
      `${reckoned} more, reckoned as the last ones went`,
  )
}

const describe = ({ isPromoted, judgedMs, detectedMs, words }: Released): string =>
  isPromoted
    ? `it was promoted: ${words}`
    : `found ${detectedMs === null ? 'before' : `after ${seconds(detectedMs)}`}, back ${judgedMs === null ? 'before' : `after ${seconds(judgedMs)}`}: ${words}`
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
