/**
 * Bad releases, each of code that is really run: they are found out and back in time, and hardly anybody meets them. At the end a
 * good one gets through.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { quantileOf } from '../../rig/quantile.ts'
import { CRASHING_PATH, FAULTS, writeRelease, type Fault } from '../../rig/releases/code.ts'
import { releaseDir, type Released } from '../../rig/releases/releasing.ts'
import { startVisitors, type Visitors } from '../../rig/releases/visitors.ts'
import type { DrillOptions } from '../options.ts'
import { allowedMs, type Report } from '../report.ts'

/** From the first request that the release got to the old code for everybody. */
const LIMITS_MS: Readonly<Record<Fault, number>> = {
  'all 500s': 3_000,
  '2 % 500s': 30_000,
  'p99 × 3': 30_000,
  leak: 60_000,
  'a crash on one path': 10_000,
  /** It gets no request at all. */
  'a crash on load': 0,
}
const PATHS = ['/', '/api/v1/instance', '/api/v1/state', '/api/v1/feed/for-you', '/healthz', CRASHING_PATH]
const PER_S = 50
const HARMED_SHARE_MAX = 0.001
/** For so long after the release harm is counted… */
const COUNTED_AFTER_S = 600
/** …of which so much is waited for: the rest is as the last of it was. */
const WAITED_AFTER_S = 5
const WARM_UP_MS = 8_000

export async function run(report: Report, { without }: DrillOptions): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: join(dir.path, 'data'),
    env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0' },
  })
  await product.settled()
  await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
  await sleep(WARM_UP_MS)
  const usualP99Ms = quantileOf(visitors.visits.latenciesMs, 0.99)
  const faults = without.includes('judge') ? (['all 500s'] as const) : (Object.keys(FAULTS) as Fault[])
  for (const fault of faults) {
    const path = await writeRelease(join(dir.path, fault.replaceAll(/\W+/g, '-')), {
      fault,
      mark: fault,
      usualP99Ms,
    })
    await promiseBack(report, product, visitors, { fault, path })
  }
  if (without.includes('judge')) return
  const path = await writeRelease(join(dir.path, 'good'), { fault: null, mark: 'good' })
  visitors.reset()
  const good = await releaseDir(product, path)
  await sleep(WAITED_AFTER_S * 1_000)
  report.promise('a good release gets through', good.isPromoted, `${seconds(good.tookMs)}: ${good.words}`)
  promiseUnharmed(report, 'a good release', visitors)
}

async function promiseBack(
  report: Report,
  product: Product,
  visitors: Visitors,
  { fault, path }: { readonly fault: Fault; readonly path: string },
): Promise<void> {
  visitors.reset()
  const released = await releaseDir(product, path)
  await sleep(WAITED_AFTER_S * 1_000)
  const limitMs = allowedMs(LIMITS_MS[fault])
  report.promise(
    `${fault}: back within ${seconds(limitMs)} of its first request`,
    isBackInTime(fault, released, limitMs),
    describe(released),
  )
  promiseUnharmed(report, fault, visitors)
}

/** What went wrong before the release was tried at all says nothing about it, unless it can't even be loaded. */
const isBackInTime = (fault: Fault, { isPromoted, judgedMs, words }: Released, limitMs: number): boolean =>
  !isPromoted &&
  words.includes('The old code runs everywhere') &&
  (fault === 'a crash on load' ? judgedMs === null : judgedMs !== null && judgedMs <= limitMs)

function promiseUnharmed(report: Report, what: string, { visits }: Visitors): void {
  const later = PER_S * (COUNTED_AFTER_S - WAITED_AFTER_S)
  const share = visits.failed / (visits.asked + later)
  const kinds = [...visits.failures].map(([kind, count]) => `${kind} × ${count}`).join(', ')
  report.promise(
    `${what}: at most 0.1 % of requests fail, from its start to ten minutes after`,
    share <= HARMED_SHARE_MAX,
    `${visits.failed} of ${visits.asked} until ${WAITED_AFTER_S} s after${kinds ? ` (${kinds})` : ''}; ` +
      `${(share * 100).toFixed(3)} % with ${later} more as the last ones were, which is extrapolated`,
  )
}

const describe = ({ isPromoted, judgedMs, detectedMs, words }: Released): string =>
  isPromoted
    ? `it was promoted: ${words}`
    : `found ${detectedMs === null ? 'before' : `after ${seconds(detectedMs)}`}, back ${judgedMs === null ? 'before' : `after ${seconds(judgedMs)}`}: ${words}`
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
