/** The load: people asking for pages and liking videos, from a process of its own. */
import { sessionCookieValue } from '../../platform/modules/accounts/index.ts'
import { createRandom } from '../../engines/for-you/index.ts'
import { checkPage, type Rules } from './page-checks.ts'
import { HttpConnection, type Response } from '../../tests/rig/load/http-connection.ts'
import { quantileOf } from '../../tests/rig/quantile.ts'
import { sendOnSchedule } from '../../tests/rig/load/schedule.ts'
import { ACCOUNT_COUNT, accountIdOf, sessionTokenOf, VIDEO_COUNT, videoIdOf } from './seed.ts'

export interface LoadOrder {
  readonly kind: 'feed' | 'constant' | 'each-account'
  readonly connections: number
  readonly durationMs: number
  /** Requests begin on this schedule; null: each connection begins one as soon as its last has ended. */
  readonly ratePerS: number | null
}

export interface LoadResult {
  readonly pages: number
  readonly likes: number
  readonly failures: Record<string, number>
  readonly durationMs: number
  readonly pageBytes: number
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** How late the generator itself was at worst, 99 times out of 100. */
  readonly lagP99Ms: number
  readonly checked: { readonly pages: number; readonly distinct: number; readonly broken: string[] }
}

const PAGE_PATH = '/api/v1/feed/for-you'
const LIKE_SHARE = 0.1
/** Of those who have a cursor this share goes on; the others start at the top, which is a new ranking. */
const GO_ON_SHARE = 0.75
/** One page in this many is parsed and held against the rules. */
const CHECK_EVERY = 25
const NEXT_CURSOR = Buffer.from('"nextCursor":"')

const random = createRandom(20_260_115)
const cumulative = zipf(ACCOUNT_COUNT)
const cookies: string[] = []
const cursors: (string | null)[] = Array.from({ length: ACCOUNT_COUNT + 1 }, () => null)
let port = 0
let rules: Rules = { hiddenVideoIds: new Set(), blockedPairs: new Set() }

class Run {
  readonly latencies: number[] = []
  readonly failures: Record<string, number> = {}
  readonly orders = new Set<string>()
  readonly broken: string[] = []
  pages = 0
  likes = 0
  bytes = 0
  checked = 0
  readonly order: LoadOrder
  #eachAccount = 0

  constructor(order: LoadOrder) {
    this.order = order
  }

  /** Whether every account has had its page. */
  get isOver(): boolean {
    return this.order.kind === 'each-account' && this.#eachAccount >= ACCOUNT_COUNT
  }

  async send(connection: HttpConnection, dueAtMs: number): Promise<void> {
    const { kind } = this.order
    const account = kind === 'each-account' ? 1 + (this.#eachAccount++ % ACCOUNT_COUNT) : pickAccount()
    if (kind === 'feed' && random() < LIKE_SHARE) {
      const path = `/api/v1/videos/${videoIdOf(1 + Math.floor(random() * VIDEO_COUNT))}/like`
      // By anyone alike: the first account by Zipf's law would like more often than the limit of likes lets it.
      const liker = cookies[1 + Math.floor(random() * ACCOUNT_COUNT)]!
      const { status } = await connection.request('PUT', path, liker)
      // A video that is private or deleted can't be liked: 404 is its right answer.
      if ([200, 204, 404].includes(status)) this.likes += 1
      else this.#fail(`like ${status}`)
      return
    }
    const cursor = kind === 'feed' && random() < GO_ON_SHARE ? cursors[account] : null
    const path = kind === 'constant' ? '/constant' : cursor ? `${PAGE_PATH}?cursor=${cursor}` : PAGE_PATH
    const response = await connection.request('GET', path, kind === 'constant' ? null : cookies[account]!)
    this.latencies.push(performance.now() - dueAtMs)
    if (response.status !== 200) return this.#fail(`page ${response.status}`)
    this.pages += 1
    this.bytes += response.body.length
    if (kind === 'constant') return
    cursors[account] = nextCursorOf(response)
    if (this.pages % CHECK_EVERY === 0) this.#check(account, response)
  }

  #check(account: number, response: Response): void {
    const { order, problems } = checkPage(response.body, accountIdOf(account), rules)
    this.checked += 1
    this.orders.add(order)
    this.broken.push(...problems)
  }

  #fail(what: string): void {
    this.failures[what] = (this.failures[what] ?? 0) + 1
  }
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const run = new Run(order)
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => HttpConnection.open(port)),
  )
  let lags: number[] = []
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + order.durationMs
  if (order.ratePerS === null)
    await Promise.all(
      connections.map(async (connection) => {
        while (performance.now() < endsAtMs && !run.isOver) await run.send(connection, performance.now())
      }),
    )
  else
    lags = await sendOnSchedule({
      connections,
      ratePerS: order.ratePerS,
      durationMs: order.durationMs,
      send: (connection, dueAtMs) => run.send(connection, dueAtMs),
    })
  const durationMs = performance.now() - startedAtMs
  for (const connection of connections) connection.close()
  return {
    pages: run.pages,
    likes: run.likes,
    failures: run.failures,
    durationMs,
    pageBytes: run.pages === 0 ? 0 : run.bytes / run.pages,
    latenciesMs: {
      p50: quantileOf(run.latencies, 0.5),
      p99: quantileOf(run.latencies, 0.99),
      max: quantileOf(run.latencies, 1),
    },
    lagP99Ms: quantileOf(lags, 0.99),
    checked: { pages: run.checked, distinct: run.orders.size, broken: run.broken.slice(0, 10) },
  }
}

function nextCursorOf({ body }: Response): string | null {
  const at = body.lastIndexOf(NEXT_CURSOR)
  if (at < 0) return null
  const from = at + NEXT_CURSOR.length
  return body.toString('latin1', from, body.indexOf(0x22, from))
}

function zipf(count: number): Float64Array {
  const sums = new Float64Array(count)
  let sum = 0
  for (let n = 0; n < count; n++) sums[n] = sum += 1 / (n + 1)
  return sums.map((value) => value / sum)
}

function pickAccount(): number {
  const at = random()
  let [low, high] = [0, cumulative.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cumulative[middle]! < at) low = middle + 1
    else high = middle
  }
  return low + 1
}

type Order =
  | { type: 'start'; port: number; sessionSecret: string; hiddenVideoIds: string[]; blockedPairs: string[] }
  | { type: 'load'; order: LoadOrder }

process.on('message', async (message: Order) => {
  if (message.type === 'load')
    return void process.send!({ type: 'result', result: await load(message.order) })
  port = message.port
  rules = { hiddenVideoIds: new Set(message.hiddenVideoIds), blockedPairs: new Set(message.blockedPairs) }
  for (let n = 1; n <= ACCOUNT_COUNT; n++)
    cookies[n] = sessionCookieValue(sessionTokenOf(n), message.sessionSecret)
  process.send!({ type: 'started' })
})
process.once('disconnect', () => process.exit(0))
