/** The load: people who report, from a process of its own, and what each of them was told. */
import { writeFile } from 'node:fs/promises'
import { HttpConnection, type Response } from '../../tests/rig/load/http-connection.ts'
import { quantileOf } from '../../tests/rig/quantile.ts'
import { sendOnSchedule } from '../../tests/rig/load/schedule.ts'
import { requestOf } from './people.ts'

export interface LoadOrder {
  readonly type: 'load'
  readonly port: number
  readonly path: string
  /** Whether it takes reports; else it answers 200 to anything. */
  readonly isWatch: boolean
  readonly connections: number
  readonly durationMs: number
  /** Requests begin on this schedule; null: each connection begins one as soon as its last has ended. */
  readonly ratePerS: number | null
  /** Of the requests, how many come from people who were counted already. */
  readonly repeatShare: number
  /** The server may go away: what fails from then on is counted, and is no fault. */
  readonly mayEnd: boolean
}

export interface LoadResult {
  /** Answered as new, and as counted already. */
  readonly taken: number
  readonly repeated: number
  /** Answers that were not what they should be, by what was said. */
  readonly wrong: Readonly<Record<string, number>>
  /** Requests without an answer. */
  readonly unanswered: number
  readonly durationMs: number
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly lagP99Ms: number
}

export type GeneratorOrder =
  | LoadOrder
  /** Writes the numbers of all people who were told that they count, as 32-bit integers. */
  | { readonly type: 'write-taken'; readonly file: string }
  /** Has people report who were told that they count; answers how many of them count again. */
  | { readonly type: 'repeat'; readonly port: number; readonly path: string; readonly count: number }

let nextPerson = 1
const taken: number[] = []
const COUNTED = Buffer.from('"isCounted":true')
const UNCOUNTED = Buffer.from('"isCounted":false')

async function load(order: LoadOrder): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => HttpConnection.open(order.port)),
  )
  const latencies: number[] = []
  const wrong: Record<string, number> = {}
  let [countedNow, repeated, unanswered, turn] = [0, 0, 0, 0]
  let isOver = false
  const repeatEvery = order.repeatShare > 0 ? Math.round(1 / order.repeatShare) : Infinity

  async function send(connection: HttpConnection, dueAtMs: number): Promise<void> {
    if (isOver) return
    const isRepeat = ++turn % repeatEvery === 0 && taken.length > 0
    const person = isRepeat ? taken[(turn * 7_919) % taken.length]! : nextPerson++
    let answer
    try {
      answer = await connection.send(requestOf(person, order.path))
    } catch (error) {
      unanswered++
      if (!order.mayEnd) throw error
      isOver = true
      return
    }
    latencies.push(performance.now() - dueAtMs)
    if (!isRight(answer, { isWatch: order.isWatch, isRepeat })) {
      const said = `${answer.status} ${answer.body.toString('utf8', 0, 80)}`
      wrong[said] = (wrong[said] ?? 0) + 1
    } else if (isRepeat) repeated++
    else {
      countedNow++
      if (order.isWatch) taken.push(person)
    }
  }

  let lags: number[] = []
  const startedMs = performance.now()
  if (order.ratePerS === null)
    await Promise.all(
      connections.map(async (connection) => {
        while (performance.now() - startedMs < order.durationMs && !isOver)
          await send(connection, performance.now())
      }),
    )
  else
    lags = await sendOnSchedule({ connections, ratePerS: order.ratePerS, durationMs: order.durationMs, send })
  const durationMs = performance.now() - startedMs
  for (const connection of connections) connection.close()
  return {
    taken: countedNow,
    repeated,
    wrong: Object.fromEntries(Object.entries(wrong).slice(0, 10)),
    unanswered,
    durationMs,
    latenciesMs: {
      p50: quantileOf(latencies, 0.5),
      p99: quantileOf(latencies, 0.99),
      max: quantileOf(latencies, 1),
    },
    lagP99Ms: quantileOf(lags, 0.99),
  }
}

function isRight(
  { status, body }: Response,
  { isWatch, isRepeat }: { readonly isWatch: boolean; readonly isRepeat: boolean },
): boolean {
  if (!isWatch) return status === 200
  return isRepeat ? status === 200 && body.includes(UNCOUNTED) : status === 201 && body.includes(COUNTED)
}

async function repeat(port: number, path: string, count: number): Promise<number> {
  const connection = await HttpConnection.open(port)
  let again = 0
  // The last ones before the end are those most in danger.
  for (const person of taken.slice(-count)) {
    const { status, body } = await connection.send(requestOf(person, path))
    if (status !== 200 || !body.includes(UNCOUNTED)) again++
  }
  connection.close()
  return again
}

process.on('message', async (order: GeneratorOrder) => {
  if (order.type === 'load') process.send!({ type: 'loaded', result: await load(order) })
  else if (order.type === 'repeat')
    process.send!({ type: 'repeated', again: await repeat(order.port, order.path, order.count) })
  else {
    await writeFile(order.file, new Uint8Array(Uint32Array.from(taken).buffer))
    process.send!({ type: 'written' })
  }
})
process.once('disconnect', () => process.exit(0))
