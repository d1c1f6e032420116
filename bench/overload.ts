/**
 * `bench overload`: what is still served at 2, 5 and 10 times what can be, over real sockets, with a pool and with the CPU as
 * the bottleneck, beside no protection, @fastify/under-pressure and a fixed limit.
 *
 * The server has one core, the open-loop generator the other. Capacity is measured flat out and unprotected, before and
 * after each load, for a shared machine is not equally fast from one minute to the next: a load is sized by the one and
 * weighed by the mean of both. An answer counts when it comes within half a second of when its request was due, and as much
 * as its class takes. A load that the generator made late is made again, and is void after that. `--quick` sees that it works.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isPinned } from '../tests/rig/children.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { MIX, startGenerator, type Generator } from '../tests/rig/load/generator.ts'
import type { LoadResult } from '../tests/rig/load/generator-process.ts'
import {
  DEADLINE_MS,
  flatOut,
  isQuick,
  REQUESTS,
  startServer,
  type LoadedServer,
  workPerS,
} from './overload/parts.ts'
import type { Protection } from './overload/server-process.ts'
import type { BenchResult, BenchRow } from './support.ts'

/** What a run has to reach, by how many times the capacity is asked for. */
const TARGETS = [
  { times: 2, goodputMin: 0.95, topMin: 0.999 },
  { times: 5, goodputMin: 0.93, topMin: 0.995 },
  { times: 10, goodputMin: 0.9, topMin: 0.95 },
] as const
const P99_MAX_TIMES_UNLOADED = 3
const REFUSAL_P99_MAX_MS = 20
const INVERTED_MAX = 0.02
const LAG_MAX_MS = 10

const LOAD_MS = isQuick ? 3_000 : 15_000
const SKIP_MS = isQuick ? 1_000 : 2_000
const REFUSALS_MS = isQuick ? 2_000 : 5_000
/** Connections are opened, and code is warm. */
const SETTLE_MS = 1_000
const CAPACITY_MS = isQuick ? 1_500 : 3_500
/** As many requests as keep either bottleneck busy. */
const CAPACITY_CONNECTIONS = 24
const CONNECTIONS = 1_000
const UNLOADED = 0.3
const RIVALS = ['none', 'under-pressure', 'fixed'] as const
const BOTTLENECKS = ['pool', 'cpu'] as const
const ATTEMPTS = 3
/** Who serves less than this share of what can be served is not asked for more: it only takes minutes to tell so. */
const NOTHING_BELOW = 0.01

type Limited = (typeof BOTTLENECKS)[number]

interface Load {
  readonly times: number
  /** What could be served around it. */
  readonly capacityPerS: number
  readonly result: LoadResult
  readonly limit: number | null
}

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  await using generator = await startGenerator()
  const refusalUs = await measureRefusal(generator)
  say(`a refusal costs ${refusalUs.toFixed(0)} µs of processor time`)
  const rows: BenchRow[] = []
  const figures: Record<string, number | string | null> = { refusalUs: roundTo(refusalUs, 1) }
  const fallsShort: string[] = isPinned ? [] : ['There is one core only: nothing was pinned.']
  for (const bottleneck of BOTTLENECKS) {
    await using unprotected = await startServer('none', bottleneck)
    const measureCapacity = async () =>
      workPerS(await generator.load(flatOut(unprotected.port, CAPACITY_MS, CAPACITY_CONNECTIONS)), bottleneck)
    const plan = { generator, bottleneck, measureCapacity, say }
    const ours = await loadProtected(plan, 'ours')
    const rivals = new Map<Protection, readonly Load[]>()
    for (const protection of RIVALS) rivals.set(protection, await loadProtected(plan, protection))
    const capacityPerS = medianOf(ours.map((load) => load.capacityPerS))
    figures[`${bottleneck}CapacityPerS`] = roundTo(capacityPerS, 0)
    const lost = bottleneck === 'cpu' ? await measureLost(generator, capacityPerS, say) : null
    const judged = judge({ bottleneck, lost, ours, rivals })
    rows.push(...judged.rows)
    Object.assign(figures, judged.figures)
    fallsShort.push(...judged.fallsShort)
  }
  return { name: 'overload', rows, figures, fallsShort }
}

/** Processor time of a server that lets nobody in, a request: reading it, and saying no. */
async function measureRefusal(generator: Generator): Promise<number> {
  await using server = await startServer('closed', 'none')
  await generator.load(flatOut(server.port, 1_500, CAPACITY_CONNECTIONS))
  const before = await server.status()
  const load = await generator.load({ ...flatOut(server.port, REFUSALS_MS, CAPACITY_CONNECTIONS), skipMs: 0 })
  const after = await server.status()
  const refused = load.byClass.reduce((sum, each) => sum + each.refused, 0)
  return ((after.cpuMs - before.cpuMs) / refused) * 1_000
}

/** By how many times what can be served is asked for: the share of a busy thread that turning away the surplus takes, done by us and by a bare `node:http`. */
type Lost = ReadonlyMap<number, { readonly ours: number; readonly bare: number }>

async function measureLost(
  generator: Generator,
  capacityPerS: number,
  say: (line: string) => void,
): Promise<Lost> {
  const lost = new Map<number, { ours: number; bare: number }>()
  for (const { times } of TARGETS) {
    const ratePerS = (times - 1) * capacityPerS
    const each = {
      ours: await measureLostBy('closed', generator, ratePerS),
      bare: await measureLostBy('bare', generator, ratePerS),
    }
    lost.set(times, each)
    say(`turning away ${ratePerS.toFixed(0)}/s beside other work takes ${describeLost(each)}`)
  }
  return lost
}

const describeLost = ({ ours, bare }: { readonly ours: number; readonly bare: number }): string =>
  `${roundTo(ours * 100, 1)} % of the thread, and ${roundTo(bare * 100, 1)} % of a bare node:http's`

/** What a thread gets done of other work while so many are turned away, against what it gets done without. */
async function measureLostBy(
  protection: 'closed' | 'bare',
  generator: Generator,
  ratePerS: number,
): Promise<number> {
  await using server = await startServer(protection, 'work')
  const workOf = async (ms: number) => {
    const [before, startedMs] = [await server.status(), performance.now()]
    await sleep(ms)
    return ((await server.status()).workedMs - before.workedMs) / (performance.now() - startedMs)
  }
  const order = { port: server.port, mix: MIX, requests: REQUESTS, deadlineMs: DEADLINE_MS, skipMs: 0 }
  await generator.load({ ...order, ratePerS, connections: CONNECTIONS, durationMs: REFUSALS_MS })
  const alone = await workOf(REFUSALS_MS / 2)
  const loaded = generator.load({
    ...{ ...order, ratePerS, connections: CONNECTIONS },
    durationMs: REFUSALS_MS + 2 * SETTLE_MS,
  })
  await sleep(SETTLE_MS)
  const beside = await workOf(REFUSALS_MS)
  await loaded
  return 1 - beside / alone
}

interface Plan {
  readonly generator: Generator
  readonly bottleneck: Limited
  measureCapacity(): Promise<number>
  readonly say: (line: string) => void
}

/** First with little to do, then with more and more, on one server: what one load leaves behind meets the next. */
async function loadProtected(plan: Plan, protection: Protection): Promise<readonly Load[]> {
  const { generator, bottleneck, measureCapacity, say } = plan
  await using server = await startServer(protection, bottleneck)
  const loads: Load[] = []
  let beforePerS = await measureCapacity()
  for (const times of [UNLOADED, 1, ...TARGETS.map((target) => target.times)]) {
    const { result, limit } = await loadOnce(generator, server, times * beforePerS)
    const afterPerS = await measureCapacity()
    const load = { times, capacityPerS: (beforePerS + afterPerS) / 2, result, limit }
    loads.push(load)
    beforePerS = afterPerS
    say(describe(bottleneck, protection, load))
    const isOver = protection !== 'ours' && goodputOf(load, bottleneck) < NOTHING_BELOW
    if (isOver || (protection !== 'ours' && isQuick && times === 2)) break
  }
  return loads
}

async function loadOnce(generator: Generator, server: LoadedServer, ratePerS: number) {
  const order = {
    port: server.port,
    durationMs: LOAD_MS,
    skipMs: SKIP_MS,
    mix: MIX,
    requests: REQUESTS,
    ratePerS,
    connections: CONNECTIONS,
    deadlineMs: DEADLINE_MS,
  }
  let result = await generator.load(order)
  for (let attempt = 1; attempt < ATTEMPTS && result.lagP99Ms > LAG_MAX_MS; attempt++)
    result = await generator.load(order)
  return { result, limit: (await server.status()).limit }
}

/** The part of what can be served that was served in time. */
const goodputOf = ({ result, capacityPerS }: Load, bottleneck: Limited) =>
  workPerS(result, bottleneck) / capacityPerS

function describe(bottleneck: Limited, protection: Protection, load: Load) {
  const { times, capacityPerS, result, limit } = load
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  return [
    `${bottleneck} ${protection} ${times}× of ${capacityPerS.toFixed(0)}/s: goodput ${percent(goodputOf(load, bottleneck))}`,
    `by class ${result.byClass.map((each) => percent(each.good / each.offered)).join(' / ')}`,
    `p50 ${result.admittedP50Ms.toFixed(0)} p99 ${result.admittedP99Ms.toFixed(0)} ms`,
    `refusals ${result.refusedP99Ms.toFixed(1)} ms p99`,
    `inverted ${percent(invertedShare(result))}`,
    `lag ${result.lagP99Ms.toFixed(1)} ms`,
    ...(limit === null ? [] : [`limit ${limit.toFixed(1)}`]),
    ...(result.broken > 0 ? [`${result.broken} broken`] : []),
  ].join(', ')
}

const offeredOf = ({ byClass }: LoadResult) => byClass.reduce((sum, { offered }) => sum + offered, 0)
const invertedShare = (result: LoadResult) => result.inverted / Math.max(1, offeredOf(result))

interface Measured {
  readonly bottleneck: Limited
  /** Null: the thread is not the bottleneck. */
  readonly lost: Lost | null
  readonly ours: readonly Load[]
  readonly rivals: ReadonlyMap<Protection, readonly Load[]>
}

function judge(measured: Measured) {
  const { bottleneck, ours } = measured
  const unloadedP99Ms = ours[0]!.result.admittedP99Ms
  const figures: Record<string, number | string | null> = {
    [`${bottleneck}UnloadedP99Ms`]: roundTo(unloadedP99Ms, 1),
  }
  const rows: BenchRow[] = []
  const fallsShort: string[] = []
  for (const target of TARGETS) {
    const point = lookAt(measured, target.times, unloadedP99Ms)
    Object.assign(figures, figuresOf(point))
    rows.push(...rowsOf(point, target))
    fallsShort.push(...missesOf(point, target))
  }
  return { rows, figures, fallsShort }
}

type Target = (typeof TARGETS)[number]
type Point = ReturnType<typeof lookAt>

/** What came of one load, ours and the rivals'. */
function lookAt({ bottleneck, lost, ours, rivals }: Measured, times: number, unloadedP99Ms: number) {
  const load = ours.find((each) => each.times === times)!
  const { result } = load
  return {
    ...{ bottleneck, times, result, unloadedP99Ms },
    goodput: goodputOf(load, bottleneck),
    top: result.byClass[0]!.good / result.byClass[0]!.offered,
    inverted: invertedShare(result),
    lost: lost?.get(times) ?? null,
    rivalGoodput(name: Protection): number | null {
      const rival = rivals.get(name)!.find((each) => each.times === times)
      return rival ? roundTo(goodputOf(rival, bottleneck), 3) : null
    },
  }
}

function figuresOf(point: Point): Record<string, number | null> {
  const { bottleneck, times, result, lost, rivalGoodput } = point
  const key = `${bottleneck}${times}x`
  return {
    [`${key}Goodput`]: roundTo(point.goodput, 3),
    [`${key}LostToRefusals`]: lost && roundTo(lost.ours, 3),
    [`${key}LostToBareRefusals`]: lost && roundTo(lost.bare, 3),
    [`${key}Top`]: roundTo(point.top, 4),
    [`${key}AdmittedP99Ms`]: roundTo(result.admittedP99Ms, 1),
    [`${key}RefusalP99Ms`]: roundTo(result.refusedP99Ms, 1),
    [`${key}Inverted`]: roundTo(point.inverted, 4),
    [`${key}LagP99Ms`]: roundTo(result.lagP99Ms, 1),
    [`${key}GoodputNone`]: rivalGoodput('none'),
    [`${key}GoodputUnderPressure`]: rivalGoodput('under-pressure'),
    [`${key}GoodputFixed`]: rivalGoodput('fixed'),
  }
}

function rowsOf(point: Point, { goodputMin, topMin }: Target): BenchRow[] {
  const { bottleneck, times, result, goodput, top, lost, rivalGoodput, unloadedP99Ms } = point
  const row = (
    what: string,
    value: number,
    rival: number | null,
    unit: string,
    target: string | null,
  ): BenchRow => ({
    what: `${bottleneck} ${times}×: ${what}`,
    ours: value,
    ...{ rival, unit, target },
  })
  const underPressure = percentOf(rivalGoodput('under-pressure'))
  const p99MaxMs = Math.round(unloadedP99Ms * P99_MAX_TIMES_UNLOADED)
  return [
    row('goodput (rival: under-pressure)', goodput * 100, underPressure, '%', `≥ ${goodputMin * 100}`),
    ...(lost === null
      ? []
      : [
          row(
            'left beside refusals (rival: bare node:http)',
            percentLeft(lost.ours),
            percentLeft(lost.bare),
            '%',
            null,
          ),
        ]),
    row('top class served', top * 100, null, '%', `≥ ${topMin * 100}`),
    row('p99 of admitted', result.admittedP99Ms, null, 'ms', `≤ ${p99MaxMs}`),
    row('p99 of a refusal', result.refusedP99Ms, null, 'ms', `≤ ${REFUSAL_P99_MAX_MS}`),
  ]
}

function missesOf(point: Point, { goodputMin, topMin }: Target): string[] {
  const { bottleneck, times, result, goodput, top, inverted, lost, unloadedP99Ms } = point
  const at = `With the ${bottleneck} as the bottleneck, at ${times}×,`
  const misses = [
    goodput < goodputMin &&
      `${at} goodput is ${roundTo(goodput * 100, 1)} %; the target is ${goodputMin * 100} %${lost ? ` (turning away the rest takes ${describeLost(lost)})` : ''}.`,
    top < topMin &&
      `${at} ${roundTo(top * 100, 2)} % of the top class are served; the target is ${topMin * 100} %.`,
    result.admittedP99Ms > unloadedP99Ms * P99_MAX_TIMES_UNLOADED &&
      `${at} p99 of the admitted is ${roundTo(result.admittedP99Ms, 0)} ms; unloaded it is ${roundTo(unloadedP99Ms, 0)} ms, and three times that is the target.`,
    result.refusedP99Ms > REFUSAL_P99_MAX_MS &&
      `${at} p99 of a refusal is ${roundTo(result.refusedP99Ms, 1)} ms; the target is ${REFUSAL_P99_MAX_MS} ms.`,
    inverted > INVERTED_MAX &&
      `${at} ${roundTo(inverted * 100, 1)} % were turned away while lower classes were served; the target is ${INVERTED_MAX * 100} %.`,
    result.lagP99Ms > LAG_MAX_MS &&
      `${at} the generator was ${roundTo(result.lagP99Ms, 1)} ms late: the run is void.`,
  ]
  return misses.filter((line) => line !== false)
}

const percentLeft = (lost: number) => (1 - lost) * 100
const percentOf = (share: number | null) => (share === null ? null : share * 100)
