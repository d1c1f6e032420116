/**
 * The wall clock jumps ahead by hours, back again, and behind; once with summer time beginning between. Who is signed in
 * stays so, what plays plays on, and nothing is lost or done again for it.
 *
 * The processes' clock is skewed, not the machine's; PostgreSQL's stays right, so that the two disagree besides.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { shareServed, startWatching } from '../../rig/people/watching.ts'
import type { FeedPage } from '../../../contract/videos.ts'
import { findPostgresAddress } from '../../../platform/infra/postgres/address.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, publish, type Audience } from '../observing/audience.ts'
import { promiseKept } from '../observing/comparing.ts'
import { describeRefusals, startActing } from '../observing/ledger.ts'
import { percent, type Report } from '../report.ts'
import { listFallen, listRestarts, readState } from '../../rig/service.ts'

const HOUR_MS = 3_600_000
const WATCHED_MS = 4_000
const SERVED_MIN = 0.99
const ACTS_MIN = 0.99
const PRELOAD = pathToFileURL(
  join(import.meta.dirname, '..', 'injecting', 'fixtures', 'skewed-clock.mjs'),
).href

/** By this zone’s law an hour is left out on the last Sunday of March, at 02:00. */
const ZONE = 'Europe/Berlin'
const BEFORE_SUMMER_TIME = Date.parse('2027-03-28T00:59:57Z')

interface Jump {
  readonly what: string
  skewMs(): number
}

const JUMPS: readonly Jump[] = [
  { what: 'two hours ahead', skewMs: () => 2 * HOUR_MS },
  { what: 'back to the right time', skewMs: () => 0 },
  { what: 'an hour behind', skewMs: () => -HOUR_MS },
  { what: 'a second ahead again', skewMs: () => 1_000 },
  { what: 'to the beginning of summer time', skewMs: () => BEFORE_SUMMER_TIME - Date.now() },
  { what: 'back to the right time at last', skewMs: () => 0 },
]
/** A session lasts for months, not for years; farther away than this people have to sign in again. */
const SESSION_MS = 30 * 24 * HOUR_MS

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const file = join(dir.path, 'skew')
  await writeFile(file, '0')
  const dataDir = join(dir.path, 'data')
  await using product = await startProduct({
    dataDir,
    env: {
      UPLOAD_RESERVE_BYTES: '0',
      BACKUP: 'off',
      TZ: ZONE,
      SKEWED_CLOCK_FILE: file,
      NODE_OPTIONS: `--import=${PRELOAD}`,
    },
  })
  const audience = await gather(product, { people: 3, videos: 2 })
  const restarts = await listRestarts(product)
  const ledger = startActing(audience)
  for (const jump of JUMPS) {
    const skewMs = jump.skewMs()
    await writeFile(file, String(skewMs))
    await sleep(300)
    const beganMs = Date.now()
    await promiseUnharmed(report, { product, audience, jump, skewMs })
    if (Math.abs(skewMs) > SESSION_MS) continue
    const acknowledged = ledger.shareAcknowledged(beganMs, Date.now())
    report.promise(
      `${jump.what}: people go on acting, signed in as they were`,
      acknowledged !== null && acknowledged >= ACTS_MIN,
      `${percent(acknowledged)}; ${describeRefusals(ledger.acts.filter(({ atMs }) => atMs >= beganMs))}`,
    )
  }
  await ledger.stop()
  const databaseUrl = await findPostgresAddress(join(dataDir, 'postgres'))
  await promiseKept(report, { ledger, audience, databaseUrl: databaseUrl!, hours: JUMPS.length })
  const isPublished = await publish(audience.author, 'after all the jumps').then(
    () => true,
    () => false,
  )
  report.promise('a video is still made and published afterwards', isPublished)
  const after = await listRestarts(product)
  report.promise('nothing had to be started again', restarts === after, after)
}

async function promiseUnharmed(
  report: Report,
  scene: {
    readonly product: Product
    readonly audience: Audience
    readonly jump: Jump
    readonly skewMs: number
  },
): Promise<void> {
  const { product, audience, jump, skewMs } = scene
  const isFar = Math.abs(skewMs) > SESSION_MS
  const port = Number(new URL(product.url).port)
  const asked = isFar ? audience.media : [...audience.media, ...audience.feeds]
  const [person] = audience.people
  const first = isFar ? null : await person!.persist<FeedPage>('GET', '/feed/for-you?limit=1')
  const players = startWatching({ port, ratePerS: 20, seconds: 30, asked })
  const beganMs = Date.now()
  await sleep(WATCHED_MS)
  const endedMs = Date.now()
  await sleep(500)
  players.stop()
  const served = shareServed(players.outcomes, beganMs, endedMs)
  report.promise(
    `${jump.what}: what is watched ${isFar ? 'is' : 'and read is'} served`,
    served !== null && served >= SERVED_MIN,
    percent(served),
  )
  if (!isFar) await requireSkew(audience, skewMs)
  const state = await readState(product.url)
  report.promise(
    `${jump.what}: nothing falls because of it`,
    listFallen(state).length === 0,
    listFallen(state).join(', ') || 'level 0',
  )
  if (first?.nextCursor) {
    const next = await person!.request(
      'GET',
      `/feed/for-you?limit=1&cursor=${encodeURIComponent(first.nextCursor)}`,
    )
    report.promise(`${jump.what}: a feed that was begun goes on`, next.ok, String(next.status))
  }
}

/** What is made now is dated by the processes' clock. @throws when that is not as it was set */
async function requireSkew({ author, videoIds }: Audience, skewMs: number): Promise<void> {
  const { createdAt } = await author.persist<{ createdAt: string }>(
    'POST',
    `/videos/${videoIds[0]}/comments`,
    {
      body: 'what time is it?',
    },
  )
  const offMs = Date.parse(createdAt) - Date.now() - skewMs
  if (Math.abs(offMs) > 10_000) throw new Error(`The processes' clock is ${offMs} ms off what it was set to.`)
}
