/**
 * The database becomes slow, stands still, is cut off, and dies. Meanwhile people watch, see a feed and act; whatever they
 * were told is done is there afterwards, once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { shareServed, startWatching, type Outcome } from '../../rig/people/watching.ts'
import { quantileOf } from '../../rig/quantile.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { promiseKept } from '../observing/comparing.ts'
import { describeRefusals, startActing, type Ledger } from '../observing/ledger.ts'
import { startOwnDatabase, type OwnDatabase } from '../injecting/own-database.ts'
import { allowedMs, percent, type Report } from '../report.ts'
import { countHandles, listFallen, listRestarts, readState, untilFullService } from '../../rig/service.ts'

/** Of the faults' table. */
const PLAYBACK_MIN = 0.95
const FEED_MS = 300
const BACK_MS = 15_000
/** As many as may be under way while it is found out that the database is away. */
const ACTS_MIN = 0.9
const FEEDS_MIN = 0.95
/** Silence proves nothing before; each feed of the time until then waits a quarter of a second longer at most. */
const KNOWN_MS = 1_500
const FEED_UNTIL_KNOWN_MS = 1_000
const FAULT_MS = 8_000
/** What pools open again, and a log or two. */
const HANDLES_SPARE = 12

interface Fault {
  readonly what: string
  /** Whether it is to be noticed: a slow database still answers. */
  readonly isAway: boolean
  /** One that comes and goes is believed later each time (engines/steward), beyond the first: this much. */
  readonly believedLaterMs: number
  begin(): void | Promise<void>
}

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using database = await startOwnDatabase(dir.path)
  await using product = await startProduct({
    dataDir: join(dir.path, 'data'),
    env: { DATABASE_URL: database.url, UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off' },
  })
  const audience = await gather(product)
  // What stands by for the emergency is made every few seconds.
  await sleep(6_000)
  const faults: readonly Fault[] = [
    { what: 'four times as slow', isAway: false, believedLaterMs: 0, begin: () => database.becomeSlow(4) },
    { what: 'stuck', isAway: true, believedLaterMs: 0, begin: () => database.freeze() },
    { what: 'cut off', isAway: true, believedLaterMs: 2_000, begin: () => database.goAway() },
    { what: 'dead', isAway: true, believedLaterMs: 6_000, begin: () => database.kill() },
  ]
  const before = await countHandles(product)
  const restarts = await listRestarts(product)
  const ledger = startActing(audience)
  for (const fault of faults) await suffer(report, { product, database, audience, ledger, fault })
  await ledger.stop()
  await promiseKept(report, { ledger, audience, databaseUrl: database.directUrl })
  await promiseNoLeaks(report, product, before)
  const restartsAfter = await listRestarts(product)
  report.promise('nothing had to be started again', restarts === restartsAfter, restartsAfter)
  const unexplained = audience.people.reduce((sum, { unexplainedCount }) => sum + unexplainedCount, 0)
  report.promise('no refusal was unexplained', unexplained === 0, `${unexplained} of status 500`)
}

interface Scene {
  readonly product: Product
  readonly database: OwnDatabase
  readonly audience: Audience
  readonly ledger: Ledger
  readonly fault: Fault
}

async function suffer(report: Report, scene: Scene): Promise<void> {
  const { product, database, audience, ledger, fault } = scene
  const port = Number(new URL(product.url).port)
  const seconds = FAULT_MS / 1_000 + 60
  const players = startWatching({ port, ratePerS: 40, seconds, asked: audience.media })
  const readers = startWatching({ port, ratePerS: 5, seconds, asked: audience.feeds })
  await sleep(1_000)

  const beganMs = Date.now()
  await fault.begin()
  await sleep(FAULT_MS / 2)
  const state = await readState(product.url)
  await sleep(FAULT_MS / 2)
  const endedMs = Date.now()
  await database.comeBack()
  const limitMs = allowedMs(BACK_MS + fault.believedLaterMs)
  const backMs = await untilFullService(product.url, limitMs)
  const fallen = backMs === null ? listFallen(await readState(product.url)) : []
  // Whoever asked last is given up by then.
  await sleep(1_000)
  players.stop()
  readers.stop()

  if (fault.isAway)
    report.promise(
      `${fault.what}: it says so`,
      state !== null && state.level > 0,
      state === null ? 'no state is told' : listFallen(state).join(', '),
    )
  promiseWatching(report, fault.what, {
    players: players.outcomes,
    readers: readers.outcomes,
    beganMs,
    endedMs,
  })
  const acknowledged = ledger.shareAcknowledged(beganMs, endedMs)
  report.promise(
    `${fault.what}: at least ${ACTS_MIN * 100} % of likes, saves, follows, comments and views are taken`,
    acknowledged !== null && acknowledged >= ACTS_MIN,
    `${percent(acknowledged)}; ${describeRefusals(ledger.acts.filter(({ atMs }) => atMs >= beganMs && atMs < endedMs))}`,
  )
  report.promise(
    `${fault.what}: full service within ${Math.round(limitMs / 1_000)} s after it is back`,
    backMs !== null,
    backMs === null ? fallen.join(', ') : `${(backMs / 1_000).toFixed(1)} s`,
  )
}

function promiseWatching(
  report: Report,
  what: string,
  seen: {
    readonly players: readonly Outcome[]
    readonly readers: readonly Outcome[]
    readonly beganMs: number
    readonly endedMs: number
  },
): void {
  const { players, readers, beganMs, endedMs } = seen
  const played = shareServed(players, beganMs, endedMs)
  report.promise(
    `${what}: at least ${PLAYBACK_MIN * 100} % of what is watched is served`,
    played !== null && played >= PLAYBACK_MIN,
    percent(played),
  )
  const feeds = readers.filter(({ dueAtMs }) => dueAtMs >= beganMs && dueAtMs < endedMs)
  const tookMs = feeds.map((feed) => feed.tookMs - feed.lateMs)
  const inTime = feeds.filter(
    (feed, index) =>
      feed.isServed && tookMs[index]! <= (feed.dueAtMs < beganMs + KNOWN_MS ? FEED_UNTIL_KNOWN_MS : FEED_MS),
  ).length
  const refused = [...new Set(feeds.filter(({ isServed }) => !isServed).map(({ status }) => status))]
  report.promise(
    `${what}: at least ${FEEDS_MIN * 100} % of feeds are served within ${FEED_MS} ms (${FEED_UNTIL_KNOWN_MS} ms in the first ${KNOWN_MS / 1_000} s)`,
    feeds.length > 0 && inTime / feeds.length >= FEEDS_MIN,
    `${percent(inTime / feeds.length)}; median ${Math.round(quantileOf(tookMs, 0.5))} ms, p95 ${Math.round(quantileOf(tookMs, 0.95))} ms` +
      (refused.length > 0 ? `; not served: ${refused.join(', ')}` : ''),
  )
}

async function promiseNoLeaks(
  report: Report,
  product: Product,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  // Connections that nobody uses any more are kept for some seconds.
  await sleep(6_000)
  const after = await countHandles(product)
  const grown = [...after].map(([role, count]) => `${role} ${before.get(role) ?? 0} → ${count}`)
  report.promise(
    'no handler and no connection is left behind',
    [...after].every(([role, count]) => count <= (before.get(role) ?? 0) + HANDLES_SPARE),
    `open handles: ${grown.join(', ')}`,
  )
}
