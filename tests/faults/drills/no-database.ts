/**
 * The database is not there when everything starts: on a folder that has run before people watch, see a feed and act, and on
 * an empty one they are told. Either goes on by itself when the database comes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import type { FeedPage } from '../../../contract/videos.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { signUp } from '../../rig/people/client.ts'
import { startOwnDatabase, type OwnDatabase } from '../injecting/own-database.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { listFallen, listRestarts, readState, untilFullService, untilState } from '../../rig/service.ts'

const START_MS = 5_000
const BACK_MS = 15_000
const FEED_MS = 300
/** A crash loop would show within this. */
const STEADY_MS = 4_000
/** What stands by is made every few seconds. */
const STANDBY_MS = 8_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using database = await startOwnDatabase(dir.path)
  await afterBefore(report, join(dir.path, 'data'), database)
  database.goAway()
  await onEmptyFolder(report, join(dir.path, 'empty'), database)
}

async function afterBefore(report: Report, dataDir: string, database: OwnDatabase): Promise<void> {
  const env = { DATABASE_URL: database.url, UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off' }
  const first = await startProduct({ dataDir, env })
  const port = Number(new URL(first.url).port)
  const audience = await gather(first, { people: 2, videos: 2 })
  const page = await readPage(first.url)
  await sleep(STANDBY_MS)
  await first.stop()

  database.goAway()
  const [startMs, limitMs] = [performance.now(), allowedMs(START_MS)]
  await using product = await startProduct({ dataDir, port, env, until: 'control' })
  const servedMs = await untilState(product.url, 30_000, () => true)
  report.promise(
    `a start without a database serves within ${Math.round(limitMs / 1_000)} s`,
    servedMs !== null && performance.now() - startMs < limitMs,
    servedMs === null ? 'it told no state in 30 s' : secondsSince(startMs),
  )
  const state = await readState(product.url)
  report.promise(
    'it says that it is at a level at which the database is not needed',
    state !== null && state.level >= 4,
    listFallen(state).join(', '),
  )
  await promiseServing(report, product, audience)
  const pageNow = await readPage(product.url)
  report.promise('the app itself comes as ever', pageNow === page, String(pageNow))

  const before = await listRestarts(product)
  await sleep(STEADY_MS)
  const after = await listRestarts(product)
  report.promise('nothing is started again and again meanwhile', before === after, after)

  const backLimitMs = allowedMs(BACK_MS)
  await database.comeBack()
  const backMs = await untilFullService(product.url, backLimitMs)
  report.promise(
    `full service within ${Math.round(backLimitMs / 1_000)} s after the database came`,
    backMs !== null,
    backMs === null
      ? listFallen(await readState(product.url)).join(', ')
      : `${(backMs / 1_000).toFixed(1)} s`,
  )
  const [person] = audience.people
  const isLiked = await eventually(backLimitMs, async () => {
    const card = await person!.persist<{ viewer: { isLiked: boolean } }>(
      'GET',
      `/videos/${audience.videoIds[0]}`,
    )
    return card.viewer.isLiked
  })
  report.promise('a like that was taken without a database is there then', isLiked !== null)
}

async function promiseServing(report: Report, product: Product, audience: Audience): Promise<void> {
  const [person, other] = audience.people
  const statuses = await Promise.all(
    audience.media.map(async ({ path }) => (await fetch(new URL(path, product.url))).status),
  )
  report.promise(
    'videos play',
    statuses.every((status) => status === 200),
    summary(statuses),
  )

  const startMs = performance.now()
  const response = await person!.request('GET', '/feed/for-you?limit=10').catch(() => null)
  const tookMs = performance.now() - startMs
  const shown = response?.ok ? ((await response.json()) as FeedPage).items.map(({ id }) => id) : []
  report.promise(
    `the feed shows what is public, within ${FEED_MS} ms`,
    audience.videoIds.every((id) => shown.includes(id)) && tookMs <= FEED_MS,
    `${response?.status ?? 'no answer'}, ${shown.length} videos, ${Math.round(tookMs)} ms`,
  )
  const secret = await other!.request('GET', `/videos/${audience.privateId}`).catch(() => null)
  report.promise(
    'what is private is shown to nobody else',
    !shown.includes(audience.privateId) && secret !== null && !secret.ok,
    String(secret?.status ?? 'no answer'),
  )
  const me = await person!.request('GET', '/me').catch(() => null)
  report.promise('who was signed in still is', me?.ok ?? false, String(me?.status ?? 'no answer'))
  const like = await person!.request('PUT', `/videos/${audience.videoIds[0]}/like`).catch(() => null)
  report.promise(
    'a like is taken',
    like?.ok ?? false,
    `${like?.status} ${like?.ok ? '' : await like?.text()}`,
  )
}

/** Where the web app was not built there is nothing to come. */
const readPage = async (url: string): Promise<number | null> =>
  (await fetch(url, { headers: { accept: 'text/html' } }).catch(() => null))?.status ?? null

const summary = (statuses: readonly number[]): string =>
  [...new Set(statuses)].map((one) => `${statuses.filter((each) => each === one).length} × ${one}`).join(', ')

/** Nobody has been here yet: there is nothing to show, and that is said. */
async function onEmptyFolder(report: Report, dataDir: string, database: OwnDatabase): Promise<void> {
  const [startMs, limitMs] = [performance.now(), allowedMs(START_MS)]
  await using product = await startProduct({
    dataDir,
    env: { DATABASE_URL: database.url },
    until: 'control',
  })
  const early = await fetch(`${product.url}/api/v1/feed/for-you`).catch(() => null)
  report.promise(
    `an empty instance answers within ${Math.round(limitMs / 1_000)} s, or says when to come again`,
    early !== null &&
      (early.ok || (early.status === 503 && early.headers.has('retry-after'))) &&
      performance.now() - startMs < limitMs,
    `${early?.status ?? 'no answer'}, ${secondsSince(startMs)}`,
  )
  const isSaid = await eventually(allowedMs(START_MS), async () => /is not answering/.test(product.told()))
  report.promise('it says that its database is not answering', isSaid !== null)
  const [sinceMs, backLimitMs] = [performance.now(), allowedMs(BACK_MS)]
  await database.comeBack()
  const isBack = await eventually(backLimitMs, async () => (await signUp(product.url)).handle)
  report.promise(
    `people can act within ${Math.round(backLimitMs / 1_000)} s after the database came`,
    isBack !== null,
    secondsSince(sinceMs),
  )
}
