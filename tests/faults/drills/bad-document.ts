/**
 * Bad documents while people ask: doubled, not a number, truncated, empty, of the wrong shape, and valid but poisonous. Each is
 * refused, or meets one process only; the last good one holds all the while, also with the supervisor dead and started again. At the end people watch in Chromium while bad ones come.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../rig/eventually.ts'
import { startBrowsing } from '../../rig/people/browsing.ts'
import { publishVideos } from '../../rig/people/publishing.ts'
import { BAD_DOCUMENTS, GOOD_FLAGS, releaseDocument, type BadDocument } from '../../rig/releases/documents.ts'
import { HARMED_SHARE_MAX, suffer } from '../../rig/releases/suffering.ts'
import { startVisitors, type Visitors } from '../../rig/releases/visitors.ts'
import { askDesk } from '../../../platform/supervisor/control.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import type { DrillOptions } from '../options.ts'
import { allowedMs, type Report } from '../report.ts'

const PATHS = ['/', '/api/v1/instance', '/api/v1/state', '/api/v1/feed/for-you']
const PER_S = 50
const LAST_GOOD_LIMIT_MS = 1_000
const BROWSERS = 2
const VIDEOS = 4
/** The doubled flags, the NaNs, and the ranking that is valid and poisonous. */
const WATCHED = new Set([0, 1, 4])
const WARM_UP_MS = 8_000
const WATCHED_AFTER_MS = 12_000
const STALL_MAX_MS = 2_000

export async function run(report: Report, { without }: DrillOptions): Promise<void> {
  await using dir = await makeTemporaryDir()
  const dataDir = join(dir.path, 'data')
  const start = () =>
    startProduct({ dataDir, env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0', DEMO: 'off' } })
  {
    await using product = await start()
    await product.settled()
    // The good flags close sign-up.
    await publishVideos(product.url, VIDEOS)
    await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
    const good = await releaseDocument(dataDir, 'flags', GOOD_FLAGS)
    report.promise('a good document gets through', good.phase === 'in-force', `${good.phase}: ${good.detail}`)
    report.promise(
      'everybody uses it',
      (await eventually(allowedMs(2_000), () => isSignUpClosed(product))) !== null,
    )
    for (const bad of BAD_DOCUMENTS) await promiseRefused(report, { product, dataDir, visitors, bad })
    if (!without.includes('document-check')) {
      const again = await releaseDocument(dataDir, 'ranking', BAD_DOCUMENTS[4]!.text)
      report.promise(
        'the same bad document is refused at once, by its hash',
        again.phase === 'refused' && again.detail.includes('quarantine'),
        again.detail,
      )
    }
    if (without.length === 0) await promiseUnnoticed(report, { product, dataDir, visitors })
    await product.killSupervisor()
  }
  if (without.length === 0) await promiseTriedOut(report, join(dir.path, 'unchecked'))
  await using product = await start()
  await product.settled()
  report.promise(
    'a restart after the control plane died uses the last good one',
    await isSignUpClosed(product),
  )
}

async function promiseRefused(
  report: Report,
  {
    product,
    dataDir,
    visitors,
    bad,
  }: { product: Product; dataDir: string; visitors: Visitors; bad: BadDocument },
): Promise<void> {
  const suffered = await suffer(visitors, {
    perS: PER_S,
    release: () => releaseDocument(dataDir, bad.kind, bad.text),
  })
  const { released: fate, failed, asked, failedShare } = suffered
  report.promise(
    `${bad.name}: refused, or back from one process`,
    fate.phase === 'refused' || fate.phase === 'back',
    `${fate.phase} after ${Math.round(fate.tookMs)} ms: ${fate.detail.slice(0, 160)}`,
  )
  const goodMs = await eventually(allowedMs(LAST_GOOD_LIMIT_MS), () => isSignUpClosed(product))
  report.promise(
    `${bad.name}: the last good one holds, and no feature is off`,
    goodMs !== null && (await areAllOn(product)),
  )
  report.promise(
    `${bad.name}: at most 0.1 % of requests fail, from its start to ten minutes after`,
    failedShare <= HARMED_SHARE_MAX,
    `${failed} of ${asked} sent; ${(failedShare * 100).toFixed(3)} % with the rest as the last ones were`,
  )
}

/** What no check finds: a product without one, in which the judge alone compares the process that tries it with another. */
async function promiseTriedOut(report: Report, dataDir: string): Promise<void> {
  await using product = await startProduct({
    dataDir,
    env: {
      ...{ BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0', DEMO: 'off' },
      // The levels too are looked at: it is by them that this one harms.
      PROTECTIONS_OFF: 'document-check',
    },
  })
  await product.settled()
  await publishVideos(product.url, VIDEOS)
  await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
  await releaseDocument(dataDir, 'flags', GOOD_FLAGS)
  const { name, kind, text } = BAD_DOCUMENTS.at(-1)!
  const suffered = await suffer(visitors, {
    perS: PER_S,
    release: () => releaseDocument(dataDir, kind, text),
    countsRefusals: true,
  })
  const { released: fate, failed, asked, failedShare } = suffered
  report.promise(
    `${name}, and no check finds it: the judge has it back from the process that tries it out`,
    fate.phase === 'back',
    `${fate.phase} after ${Math.round(fate.tookMs)} ms: ${fate.detail.slice(0, 160)}`,
  )
  report.promise(
    `${name}, tried out: at most 0.1 % of requests fail or are turned away, from its start to ten minutes after`,
    failedShare <= HARMED_SHARE_MAX && (await areAllOn(product)),
    `${failed} of ${asked} sent; ${(failedShare * 100).toFixed(3)} % with the rest as the last ones were`,
  )
  const { documents, quarantined } = await askDesk(dataDir, { command: 'releases' })
  const barred = quarantined.find(({ hash }) => hash === documents[0]?.hash)
  report.promise(
    'what was taken back from its trial is barred by its hash',
    barred !== undefined,
    barred?.reason,
  )
}

/** While people watch in Chromium; what is barred by its hash is made another by a blank. */
async function promiseUnnoticed(
  report: Report,
  { product, dataDir, visitors }: { product: Product; dataDir: string; visitors: Visitors },
): Promise<void> {
  await using people = await startBrowsing({ url: product.url, people: BROWSERS })
  await sleep(WARM_UP_MS)
  for (const { name, kind, text } of BAD_DOCUMENTS.filter((_, index) => WATCHED.has(index))) {
    visitors.reset()
    await people.reset()
    const fate = await releaseDocument(dataDir, kind, `${text} `)
    await sleep(WATCHED_AFTER_MS)
    const { requests, failures, stallMaxMs, turns } = await people.look()
    const { asked, failed } = visitors.visits
    report.promise(
      `${name}, in Chromium: refused, or back from one process`,
      fate.phase === 'refused' || fate.phase === 'back',
      `${fate.phase} after ${Math.round(fate.tookMs)} ms`,
    )
    report.promise(
      `${name}, in Chromium: at most 0.1 % of requests fail`,
      (failed + failures.length) / (asked + requests) <= HARMED_SHARE_MAX,
      `${failures.length} of ${requests} of ${BROWSERS} browsers, ${failed} of ${asked} of others ${failures[0] ?? ''}`,
    )
    const limitMs = allowedMs(STALL_MAX_MS)
    report.promise(
      `${name}, in Chromium: no video stands still for more than ${limitMs} ms`,
      turns > 0 && stallMaxMs <= limitMs,
      `${stallMaxMs} ms at the worst, ${turns} times the next video`,
    )
  }
}

async function isSignUpClosed({ url }: Product): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/instance`)
  return ((await response.json()) as { isSignUpOpen: boolean }).isSignUpOpen === false
}

async function areAllOn({ url }: Product): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/state`)
  return ((await response.json()) as { level: number }).level <= 1
}
