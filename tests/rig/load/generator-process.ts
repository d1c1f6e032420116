/** Load of four classes, from a process of its own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../../engines/for-you/index.ts'
import { CLASSES } from '../../../platform/app/priority-classes.ts'
import { createRetryBudget } from '../../../web/src/lib/api/retry.ts'
import { HttpConnection } from './http-connection.ts'
import { quantileOf } from '../quantile.ts'
import { sendOnSchedule } from './schedule.ts'

export interface LoadOrder {
  readonly port: number
  /** By class: requests as they are written, of which any is as likely as any other. */
  readonly requests: readonly (readonly string[])[]
  readonly durationMs: number
  /** Of each class; sums up to 1. */
  readonly mix: readonly number[]
  /** Requests begin on this schedule; null: each of `connections` begins one as soon as its last has ended. */
  readonly ratePerS: number | null
  readonly connections: number
  /** An answer that comes later is of no use. */
  readonly deadlineMs: number
  /** What was due earlier is sent, but not counted. */
  readonly skipMs: number
  /** What clients do about an answer that says no, or comes too late. @default nothing */
  readonly retries?: {
    readonly times: number
    readonly delayMs: number
    /** Within the budget that the web app has, and never what nobody waits for. */
    readonly isBudgeted: boolean
  }
}

export interface ClassResult {
  readonly offered: number
  /** Answered in time. */
  readonly good: number
  readonly late: number
  readonly refused: number
}

export interface LoadResult {
  readonly byClass: readonly ClassResult[]
  readonly countedMs: number
  readonly admittedP50Ms: number
  readonly admittedP99Ms: number
  readonly refusedP99Ms: number
  /** Requests turned away while, in the same quarter of a second, one of a lower class was served in time. */
  readonly inverted: number
  readonly lagP99Ms: number
  readonly broken: number
  /** Requests sent for each one that was meant. */
  readonly amplification: number
  /** Of each second, the share of what was due in it that was answered in time. */
  readonly goodBySecond: readonly number[]
}

const WINDOW_MS = 250
const random = createRandom(20_261_122)

class Run {
  readonly #order: LoadOrder
  readonly #countFromMs: number
  readonly #startedMs = performance.now()
  readonly byClass = CLASSES.map(() => ({ offered: 0, good: 0, late: 0, refused: 0 }))
  readonly admittedMs: number[] = []
  readonly refusedMs: number[] = []
  readonly #windows = new Map<number, { readonly refused: number[]; readonly good: number[] }>()
  readonly #seconds: { due: number; good: number }[] = []
  readonly #budget = createRetryBudget()
  broken = 0
  meant = 0
  sent = 0

  constructor(order: LoadOrder) {
    this.#order = order
    this.#countFromMs = this.#startedMs + order.skipMs
  }

  async send(connection: HttpConnection, dueAtMs: number): Promise<void> {
    const level = this.#pickClass()
    const choice = this.#order.requests[level]!
    const request = choice[Math.floor(random() * choice.length)]!
    const { retries, deadlineMs } = this.#order
    this.meant += 1
    let status = 0
    for (let attempt = 0; ; attempt++) {
      this.sent += 1
      const sentAtMs = attempt === 0 ? dueAtMs : performance.now()
      status = await connection.send(request).then(
        (answer) => answer.status,
        () => 0,
      )
      if (status === 0) this.broken += 1
      const isGood = status === 200 && performance.now() - sentAtMs <= deadlineMs
      if (isGood) this.#budget.earn()
      if (isGood || !retries || attempt >= retries.times) break
      if (retries.isBudgeted && (level === 3 || !this.#budget.trySpend())) break
      await sleep(retries.delayMs * (0.5 + random()))
    }
    if (dueAtMs >= this.#countFromMs) this.#note(level, status, dueAtMs)
  }

  get goodBySecond(): number[] {
    return Array.from(this.#seconds, (second) => (second && second.due > 0 ? second.good / second.due : 0))
  }

  get inverted(): number {
    let count = 0
    for (const { refused, good } of this.#windows.values()) {
      let below = good[3]!
      for (let level = 2; level >= 0; level--) {
        count += Math.min(refused[level]!, below)
        below += good[level]!
      }
    }
    return count
  }

  #note(level: number, status: number, dueAtMs: number): void {
    const tookMs = performance.now() - dueAtMs
    const counts = this.byClass[level]!
    counts.offered += 1
    const second = (this.#seconds[Math.floor((dueAtMs - this.#startedMs) / 1_000)] ??= { due: 0, good: 0 })
    second.due += 1
    const index = Math.floor((dueAtMs - this.#startedMs) / WINDOW_MS)
    const window = this.#windows.get(index) ?? { refused: [0, 0, 0, 0], good: [0, 0, 0, 0] }
    this.#windows.set(index, window)
    if (status === 200) {
      const isGood = tookMs <= this.#order.deadlineMs
      counts[isGood ? 'good' : 'late'] += 1
      if (isGood) {
        window.good[level]! += 1
        second.good += 1
      }
      this.admittedMs.push(tookMs)
    } else if (status === 503) {
      counts.refused += 1
      window.refused[level]! += 1
      this.refusedMs.push(tookMs)
    }
  }

  #pickClass(): number {
    let at = random()
    const { mix } = this.#order
    for (let level = 0; level < 3; level++) if ((at -= mix[level]!) < 0) return level
    return 3
  }
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => HttpConnection.open(order.port)),
  )
  const run = new Run(order)
  let lags: number[] = []
  const endsAtMs = performance.now() + order.durationMs
  const goOn = async (connection: HttpConnection) => {
    while (performance.now() < endsAtMs) await run.send(connection, performance.now())
  }
  if (order.ratePerS === null) await Promise.all(connections.map(goOn))
  else
    lags = await sendOnSchedule({
      connections,
      ratePerS: order.ratePerS,
      durationMs: order.durationMs,
      send: (connection, dueAtMs) => run.send(connection, dueAtMs),
    })
  for (const connection of connections) connection.close()
  return {
    byClass: run.byClass,
    countedMs: order.durationMs - order.skipMs,
    admittedP50Ms: quantileOf(run.admittedMs, 0.5),
    admittedP99Ms: quantileOf(run.admittedMs, 0.99),
    refusedP99Ms: quantileOf(run.refusedMs, 0.99),
    inverted: run.inverted,
    lagP99Ms: quantileOf(lags, 0.99),
    broken: run.broken,
    amplification: run.meant === 0 ? 1 : run.sent / run.meant,
    goodBySecond: run.goodBySecond,
  }
}

process.on('message', async (order: LoadOrder) => void process.send!({ result: await load(order) }))
process.once('disconnect', () => process.exit(0))
process.send!({ ready: true })
