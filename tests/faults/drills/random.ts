/**
 * Random schedules of faults against real processes, while people act and strangers pry. `--seed N` plays the schedules
 * from that seed on, `--count N` so many of them: a seed that failed fails again, as far as real processes do.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { startGenerator, type Generator } from '../../rig/load/generator.ts'
import type { LoadResult } from '../../rig/load/generator-process.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { promiseKept } from '../observing/comparing.ts'
import { startActing, type Ledger } from '../observing/ledger.ts'
import { startOnlookers, type Onlookers } from '../observing/onlookers.ts'
import type { DrillOptions } from '../options.ts'
import { startOwnDatabase, type OwnDatabase } from '../injecting/own-database.ts'
import { allowedMs, percent, type Report } from '../report.ts'
import { describeSchedule, planSchedule, type PlannedFault, type Schedule } from '../injecting/schedules.ts'
import { listFallen, readState, untilFullService } from '../../rig/service.ts'
import { killEverything, killVictim } from '../../rig/victims.ts'

const COUNT = 20
const BACK_MS = 60_000
const BURST_PER_S = 800
/** As in an overload: what crosses on the way. */
const INVERTED_MAX = 0.02

export async function run(report: Report, { seed, count }: DrillOptions): Promise<void> {
  await using stage = await openStage()
  for (let each = seed; each < seed + (count ?? COUNT); each++) await play(report, stage, planSchedule(each))
}

interface Stage extends AsyncDisposable {
  readonly database: OwnDatabase
  readonly audience: Audience
  readonly generator: Generator
  /** The one that runs now: a schedule may kill it all. */
  product: Product
  isStarting: boolean
  ledger: Ledger | null
  readonly startAgain: () => Promise<Product>
}

async function openStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const database = stack.use(await startOwnDatabase(dir.path))
  const dataDir = join(dir.path, 'data')
  const env = { DATABASE_URL: database.url, UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off' }
  const product = await startProduct({ dataDir, env })
  const port = Number(new URL(product.url).port)
  const generator = stack.use(await startGenerator())
  const stage: Omit<Stage, keyof AsyncDisposable> = {
    database,
    generator,
    product,
    isStarting: false,
    ledger: null,
    audience: await gather(product, { people: 4, videos: 2 }),
    startAgain: () => startProduct({ dataDir, port, env, until: 'control' }),
  }
  const owned = stack.move()
  return Object.assign(stage, {
    async [Symbol.asyncDispose]() {
      await stage.product[Symbol.asyncDispose]()
      await owned.disposeAsync()
    },
  })
}

async function play(report: Report, stage: Stage, schedule: Schedule): Promise<void> {
  const { audience, database } = stage
  const name = `seed ${schedule.seed}`
  const ledger = startActing(audience, stage.ledger)
  stage.ledger = ledger
  const onlookers = startOnlookers(stage.product.url, audience)
  const bursts: LoadResult[] = []
  const { spareId: hiddenId } = audience
  const hiding = sleep(schedule.hidesAtMs).then(() => hide(audience, onlookers, hiddenId))
  const startedMs = performance.now()
  await Promise.all(
    schedule.faults.map(async (planned) => {
      await sleep(planned.atMs)
      await suffer(stage, planned, bursts)
    }),
  )
  await database.comeBack()
  const backMs = await untilFullService(stage.product.url, allowedMs(BACK_MS))
  const fallen = backMs === null ? listFallen(await readState(stage.product.url)) : []
  const isHidden = await hiding
  await ledger.stop()
  await onlookers.stop()
  if (isHidden) await audience.author.persist('PATCH', `/videos/${hiddenId}`, { visibility: 'public' })

  report.promise(
    `${name}: full service afterwards`,
    backMs !== null,
    `${describeSchedule(schedule)}; ${backMs === null ? fallen.join(', ') : `${(backMs / 1_000).toFixed(1)} s after the last, ${((performance.now() - startedMs) / 1_000).toFixed(0)} s in all`}`,
  )
  report.promise(
    `${name}: nobody sees what is private`,
    onlookers.leaks.length === 0,
    `${onlookers.looks} looks${isHidden ? '' : ' (none could be hidden meanwhile)'}${onlookers.leaks.length > 0 ? `; ${onlookers.leaks.length} leaks: ${[...new Set(onlookers.leaks)].slice(0, 3).join('; ')}` : ''}`,
  )
  for (const burst of bursts) promiseNoInversion(report, name, burst)
  if (backMs !== null) await promiseKept(report, { ledger, audience, databaseUrl: database.directUrl }, name)
}

/** Makes it private; from the moment on that this is acknowledged, nobody else may see it. */
async function hide(audience: Audience, onlookers: Onlookers, videoId: string): Promise<boolean> {
  const response = await audience.author
    .request('PATCH', `/videos/${videoId}`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ visibility: 'private' }),
      timeoutMs: 4_000,
    })
    .catch(() => null)
  // Without an answer it may be hidden or not, and is made public again in either case.
  if (response?.ok) onlookers.hide(videoId)
  return response === null || response.ok
}

async function suffer(stage: Stage, { fault, forMs }: PlannedFault, bursts: LoadResult[]): Promise<void> {
  const { database } = stage
  switch (fault) {
    case 'slow-database':
      database.becomeSlow(10)
      break
    case 'cut-database':
      database.goAway()
      break
    case 'stuck-database':
      await database.freeze()
      break
    case 'dead-database':
      await database.kill()
      break
    case 'dead-api':
    case 'dead-ingest':
    case 'dead-worker':
      // It may just be dead by another fault.
      await killVictim(stage.product, fault.slice('dead-'.length) as 'api' | 'ingest' | 'worker').catch(
        () => {},
      )
      return
    case 'held-worker':
      await stage.product.control({ command: 'hold', role: 'worker' }).catch(() => {})
      await sleep(forMs)
      await stage.product.control({ command: 'release', role: 'worker' }).catch(() => {})
      return
    case 'dead-everything':
      return killAndStartAgain(stage)
    case 'burst': {
      const load = await burst(stage, forMs)
      if (load) bursts.push(load)
      return
    }
  }
  await sleep(forMs)
  await database.comeBack()
}

async function killAndStartAgain(stage: Stage): Promise<void> {
  // It is dead already, and is being started.
  if (stage.isStarting) return
  stage.isStarting = true
  try {
    await killEverything(stage.product)
    stage.product = await stage.startAgain()
  } finally {
    stage.isStarting = false
  }
}

/** Null: nobody listens just now. */
async function burst(stage: Stage, forMs: number): Promise<LoadResult | null> {
  const { audience, generator, product } = stage
  if (stage.isStarting) return null
  const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`
  const cookies = audience.feeds.map(({ headers }) => `cookie: ${headers!['cookie']}\r\n`)
  const profile = `/api/v1/profiles/${audience.author.handle}`
  return generator.load({
    port: Number(new URL(product.url).port),
    requests: [
      audience.media.map(({ path }) => get(path)),
      cookies.map((cookie) => get(`/api/v1/videos/${audience.videoIds[0]}`, cookie)),
      cookies.map((cookie) => get(profile, cookie)),
      cookies.map((cookie) => get(profile, `${cookie}priority: u=7\r\n`)),
    ],
    mix: [0.1, 0.2, 0.3, 0.4],
    ratePerS: BURST_PER_S,
    connections: 200,
    durationMs: forMs,
    deadlineMs: 1_000,
    skipMs: 0,
  })
}

function promiseNoInversion(report: Report, name: string, load: LoadResult): void {
  const offered = load.byClass.reduce((sum, each) => sum + each.offered, 0)
  const refused = load.byClass.reduce((sum, each) => sum + each.refused, 0)
  report.promise(
    `${name}: in a burst nobody is turned away while lower classes are served, beyond 2 %`,
    load.inverted <= offered * INVERTED_MAX,
    `${percent(offered === 0 ? null : load.inverted / offered)}; ${refused} of ${offered} refused`,
  )
}
