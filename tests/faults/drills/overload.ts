/**
 * More comes than can be served: twice and five times as much, a burst of what is fetched ahead, and clients that ask again
 * and again. Without `admission` the door stands open, and the promises break.
 *
 * The bottleneck is the pool of connections to a database that is some milliseconds away, so that one machine can make
 * five times the load that it can serve.
 */
import { join } from 'node:path'
import { CLASSES } from '../../../platform/app/priority-classes.ts'
import { MIX, startGenerator, type Generator } from '../../rig/load/generator.ts'
import type { LoadOrder, LoadResult } from '../../rig/load/generator-process.ts'
import { createLog } from '../../../kit/log.ts'
import { startPostgres } from '../../../platform/infra/postgres/index.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { signUp, type DrillClient } from '../../rig/people/client.ts'
import type { Report } from '../report.ts'

const DATABASE_AWAY_MS = 10
const ACCOUNTS = 24
const WARM_PER_S = 50
const FLAT_OUT_CONNECTIONS = 24
const CONNECTIONS = 400
const DEADLINE_MS = 500
const LAG_MAX_MS = 10
/** After a rise, the limit and the cut have this long to find themselves. */
const SKIP_MS = 2_000

export async function run(report: Report): Promise<void> {
  await using stage = await startStage()
  const capacity = await measureCapacity(stage)
  report.promise(
    'there is a capacity to speak of',
    capacity.ratePerS > 20,
    `${capacity.ratePerS.toFixed(0)} requests/s; by class alone ${capacity.alonePerS.map((each) => each.toFixed(0)).join(', ')}`,
  )
  await stage.protect()
  for (const [times, goodputMin, topMin] of [
    [2, 0.95, 0.999],
    [5, 0.93, 0.995],
  ] as const)
    await promiseUnderLoad(report, stage, { capacity, times, goodputMin, topMin })
  await promiseThroughBurst(report, stage, capacity.ratePerS)
  await promiseAfterStorm(report, stage, capacity.ratePerS)
}

interface Stage extends AsyncDisposable {
  readonly generator: Generator
  order(ratePerS: number | null, more?: Partial<LoadOrder>): LoadOrder
  /** Starts the product again, with its protections; until then its door stands open. */
  protect(): Promise<void>
}

async function startStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const log = createLog({ level: 'silent', base: {} })
  const postgres = stack.use(await startPostgres({ dataDir: join(dir.path, 'elsewhere'), log }))
  const databaseUrl = new URL(postgres.url)
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(databaseUrl.port) }))
  databaseUrl.port = String(proxy.port)
  const env = { DATABASE_URL: databaseUrl.href }
  const dataDir = join(dir.path, 'data')
  const unprotected = { ...env, PROTECTIONS_OFF: 'levels,admission' }
  let product = await startProduct({ dataDir, env: unprotected })
  stack.defer(() => product[Symbol.asyncDispose]())
  const port = Number(new URL(product.url).port)
  const requests = await listRequests(product.url)
  const generator = stack.use(await startGenerator())
  const becomeSlow = () =>
    proxy.setFaults({ up: { latencyMs: DATABASE_AWAY_MS }, down: { latencyMs: DATABASE_AWAY_MS } })
  becomeSlow()
  const owned = stack.move()
  const order: Stage['order'] = (ratePerS, more = {}) => ({
    port,
    requests,
    mix: MIX,
    ratePerS,
    durationMs: 8_000,
    skipMs: SKIP_MS,
    connections: CONNECTIONS,
    deadlineMs: DEADLINE_MS,
    ...more,
  })
  return {
    generator,
    order,
    async protect() {
      await product[Symbol.asyncDispose]()
      product = await startProduct({ dataDir, port, env })
      await generator.load(order(WARM_PER_S))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** By class, what people with accounts ask for. */
async function listRequests(url: string): Promise<string[][]> {
  const clients: DrillClient[] = []
  for (let n = 0; n < ACCOUNTS; n++) clients.push(await signUp(url))
  const cookies = await Promise.all(clients.map((client) => client.cookies()))
  const handleAfter = (n: number) => clients[n % ACCOUNTS]!.handle
  const get = (path: string, cookie: string, more = '') =>
    `GET /api/v1${path} HTTP/1.1\r\nhost: localhost\r\ncookie: ${cookie}\r\n${more}\r\n`
  return [
    cookies.map((cookie) => get('/me', cookie)),
    cookies.map((cookie) => get('/feed/following', cookie)),
    cookies.map((cookie, n) => get(`/profiles/${handleAfter(n + 1)}`, cookie)),
    cookies.map((cookie, n) => get(`/profiles/${handleAfter(n + 2)}`, cookie, 'priority: u=7\r\n')),
  ]
}

interface Capacity {
  /** Requests of one class a second, where only they come: what one of them costs. */
  readonly alonePerS: readonly number[]
  /** Requests a second of the mix. */
  readonly ratePerS: number
}

/** What is served flat out with the door open, once the product knows how far away its database is. */
async function measureCapacity({ generator, order }: Stage): Promise<Capacity> {
  await generator.load(order(WARM_PER_S))
  const alonePerS: number[] = []
  for (const level of CLASSES) {
    const mix = CLASSES.map((each) => (each === level ? 1 : 0))
    const flatOut = order(null, { mix, connections: FLAT_OUT_CONNECTIONS, durationMs: 5_000 })
    const { byClass, countedMs } = await generator.load(flatOut)
    alonePerS.push((byClass[level]!.good / countedMs) * 1_000)
  }
  return { alonePerS, ratePerS: 1 / MIX.reduce((sum, part, level) => sum + part / alonePerS[level]!, 0) }
}

interface Promised {
  readonly capacity: Capacity
  readonly times: number
  readonly goodputMin: number
  readonly topMin: number
}

async function promiseUnderLoad(report: Report, stage: Stage, promised: Promised): Promise<void> {
  const { capacity, times, goodputMin, topMin } = promised
  const load = await stage.generator.load(stage.order(capacity.ratePerS * times))
  if (isVoid(report, `${times}× load`, load)) return
  const goodput = usefulShareOf(load, capacity)
  report.promise(
    `at ${times}× the load, at least ${percent(goodputMin)} of what can be served is`,
    goodput >= goodputMin,
    percent(goodput),
  )
  const top = shareOf(load, [0])
  report.promise(
    `at ${times}×, at least ${percent(topMin)} of the top class are served`,
    top >= topMin,
    percent(top),
  )
  const inverted = load.inverted / offeredOf(load)
  report.promise(
    `at ${times}×, nobody is turned away while lower classes are served, beyond 2 %`,
    inverted <= 0.02,
    percent(inverted),
  )
  report.promise(
    `at ${times}×, a refusal takes at most 20 ms (p99)`,
    load.refusedP99Ms <= 20 && load.byClass.some(({ refused }) => refused > 0),
    `${load.refusedP99Ms.toFixed(1)} ms`,
  )
}

async function promiseThroughBurst(report: Report, stage: Stage, capacityPerS: number): Promise<void> {
  // What people do themselves takes 42 % of what can be served; what is fetched ahead is twelve times its usual share.
  const usual = capacityPerS * 0.6
  const people = usual * 0.7
  const ahead = usual * 0.3 * 12
  const mix = [...[1, 3, 3].map((part) => ((part / 7) * people) / (people + ahead)), ahead / (people + ahead)]
  const load = await stage.generator.load(stage.order(people + ahead, { mix, skipMs: 0 }))
  if (isVoid(report, 'a 12× burst of what is fetched ahead', load)) return
  const share = shareOf(load, [0, 1, 2])
  report.promise(
    'in a 12× burst of what is fetched ahead, 99.9 % of what people ask for is served',
    share >= 0.999,
    `${percent(share)}; ${describeLosses(load)}`,
  )
}

async function promiseAfterStorm(report: Report, stage: Stage, capacityPerS: number): Promise<void> {
  const storm = { times: 3, delayMs: 100, isBudgeted: false }
  await stage.generator.load(stage.order(capacityPerS * 5, { retries: storm, durationMs: 6_000, skipMs: 0 }))
  const calm = await stage.generator.load(
    stage.order(capacityPerS * 0.7, { retries: storm, durationMs: 8_000, skipMs: 0 }),
  )
  if (!isVoid(report, 'the calm after a retry storm', calm)) {
    const from = calm.goodBySecond.findIndex((_, at) =>
      calm.goodBySecond.slice(at).every((good) => good >= 0.95),
    )
    report.promise(
      'after a retry storm at 5×, 95 % are served within 5 s of calm',
      from >= 0 && from <= 5,
      from < 0 ? 'not in 8 s' : `from second ${from} on`,
    )
  }
  const own = { times: 2, delayMs: 250, isBudgeted: true }
  const load = await stage.generator.load(stage.order(capacityPerS * 3, { retries: own, durationMs: 6_000 }))
  report.promise(
    'our own clients send at most 1.1 times what people mean, in an overload too',
    load.amplification <= 1.1,
    `${load.amplification.toFixed(3)}×`,
  )
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const offeredOf = ({ byClass }: LoadResult) => byClass.reduce((sum, { offered }) => sum + offered, 0)
/** Of what can be done, what was done in time; each request weighs what one of its class costs. */
const usefulShareOf = ({ byClass, countedMs }: LoadResult, { alonePerS }: Capacity) =>
  byClass.reduce((sum, { good }, level) => sum + good / alonePerS[level]!, 0) / (countedMs / 1_000)

/** What became of those who were not served in time, by class. */
const describeLosses = ({ byClass }: LoadResult) =>
  byClass
    .slice(0, 3)
    .map(({ offered, late, refused }, level) => `P${level}: of ${offered} ${late} late, ${refused} refused`)
    .join(', ')

function shareOf({ byClass }: LoadResult, levels: readonly number[]): number {
  const of = (what: 'good' | 'offered') => levels.reduce((sum, level) => sum + byClass[level]![what], 0)
  return of('good') / of('offered')
}

/** A generator that did not keep its schedule has made another load than it should. */
function isVoid(report: Report, what: string, load: LoadResult): boolean {
  if (load.lagP99Ms <= LAG_MAX_MS) return false
  report.skip(what, `the generator was ${load.lagP99Ms.toFixed(0)} ms late; other things run on this machine`)
  return true
}
