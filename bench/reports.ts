/**
 * `bench reports`: reports a second that one core takes over HTTP, counts once a person and has on the disk before it
 * answers, beside the same Fastify that takes the same JSON and does nothing with it.
 *
 * The watch is the one that people run, with all its threads on one core; SQLite commits with `synchronous = full`. Every
 * report comes from a person of their own, whose address a proxy tells; one in twenty is somebody's second. Then a surge:
 * a hundred times the usual rate, on a schedule. Last the watch is killed under full load, and what it had acknowledged is
 * looked for in its file.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endChild, isPinned, MEASURED_CORE, nextMessage, startNode } from '../tests/rig/children.ts'
import { readUse } from './machine/process-use.ts'
import { medianOf, quantileOf, roundTo } from '../tests/rig/quantile.ts'
import { startRunningWatch, type RunningWatch } from './machine/running-watch.ts'
import { startGenerator, type Generator } from './reports/generator.ts'
import type { LoadResult } from './reports/generator-process.ts'
import { readKept, type Kept } from './reports/kept.ts'
import { describeService, REPORTS_PATH } from './reports/people.ts'
import type { BenchResult, BenchRow } from './support.ts'

/** What a run has to reach. */
const REPORTS_PER_S_MIN = 15_000
const SURGE_P99_MAX_MS = 100

const CONNECTIONS = 128
const REPEAT_SHARE = 0.05
const ROUNDS = 3
const ROUND_MS = 8_000
const USUAL_PER_S = 100
const SURGE_FACTOR = 100
const SURGE_MS = 20_000
const STATUS_EVERY_MS = 50
const LAG_MAX_MS = 10
const KILL_AFTER_MS = 4_000
const ASKED_AGAIN = 1_000

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  const dir = await mkdtemp(join(tmpdir(), 'upbeat-bench-reports-'))
  try {
    await using generator = startGenerator()
    const start = () => startRunningWatch(join(dir, 'watch'), [describeService()], ENVIRONMENT)
    await using watch = await start()
    const rounds = await measureRounds(watch, generator, say)
    const surge = await measureSurge(watch, generator, say)
    const takenFile = join(dir, 'taken')
    await generator.writeTaken(takenFile)
    const kept = await readKept(watch.storePath, takenFile)
    const killed = await killUnderLoad(watch, generator, say)
    await generator.writeTaken(takenFile)
    const keptAfterKill = await readKept(watch.storePath, takenFile)
    await using again = await start()
    const forgotten = await generator.repeat({ port: again.port, path: REPORTS_PATH, count: ASKED_AGAIN })
    return report({ rounds, surge, kept, killed, keptAfterKill, forgotten })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The generator is the proxy. */
const ENVIRONMENT = { TRUSTED_PROXIES: '127.0.0.1' }

interface Half {
  readonly load: LoadResult
  readonly perS: number
  readonly cpuUs: number
  /** How much of its core the server had: below 1 when it waited, for the disk or for the generator. */
  readonly coreShare: number
}

interface Round {
  readonly ours: Half
  readonly bare: Half
}

async function measureRounds(
  watch: RunningWatch,
  generator: Generator,
  say: (line: string) => void,
): Promise<Round[]> {
  const bare = startNode(join(import.meta.dirname, 'reports', 'bare-process.ts'), MEASURED_CORE, {})
  const { port: barePort } = await nextMessage<{ port: number }>(bare)
  const all = { connections: CONNECTIONS, ratePerS: null, mayEnd: false }
  const measure = async (pid: number, order: Parameters<Generator['load']>[0]): Promise<Half> => {
    const before = await readUse([pid])
    const load = await generator.load(order)
    const usedS = (await readUse([pid])).cpuS - before.cpuS
    const answers = load.taken + load.repeated
    return {
      load,
      perS: (answers / load.durationMs) * 1_000,
      cpuUs: (usedS / answers) * 1e6,
      coreShare: usedS / (load.durationMs / 1_000),
    }
  }
  const toBare = { ...all, port: barePort, path: '/reports', isWatch: false, repeatShare: 0 }
  const toOurs = { ...all, port: watch.port, path: REPORTS_PATH, isWatch: true, repeatShare: REPEAT_SHARE }
  say('warming up')
  await generator.load({ ...toBare, durationMs: 3_000 })
  await generator.load({ ...toOurs, durationMs: 5_000 })
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const constant = await measure(bare.pid!, { ...toBare, durationMs: ROUND_MS })
    const ours = await measure(watch.pid, { ...toOurs, durationMs: ROUND_MS })
    rounds.push({ ours, bare: constant })
    say(`round ${round + 1}: ${Math.round(ours.perS)} reports/s, bare ${Math.round(constant.perS)}/s`)
  }
  await endChild(bare)
  return rounds
}

interface Surge {
  readonly usual: LoadResult
  readonly load: LoadResult
  /** Of `status.json`, asked for on a schedule meanwhile. */
  readonly statusP99Ms: number
}

async function measureSurge(
  watch: RunningWatch,
  generator: Generator,
  say: (line: string) => void,
): Promise<Surge> {
  const order = {
    port: watch.port,
    path: REPORTS_PATH,
    isWatch: true,
    connections: 512,
    repeatShare: REPEAT_SHARE,
    mayEnd: false,
  }
  say(`as usual: ${USUAL_PER_S} reports/s; then a surge: ${USUAL_PER_S * SURGE_FACTOR}/s`)
  const usual = await generator.load({ ...order, ratePerS: USUAL_PER_S, durationMs: 5_000 })
  const latenciesMs: number[] = []
  const asking = setInterval(() => {
    const startedMs = performance.now()
    void fetch(`http://127.0.0.1:${watch.port}/api/v1/services/surge/status.json`)
      .then((answer) => answer.arrayBuffer())
      .then(() => latenciesMs.push(performance.now() - startedMs))
  }, STATUS_EVERY_MS)
  const load = await generator.load({
    ...order,
    ratePerS: USUAL_PER_S * SURGE_FACTOR,
    durationMs: SURGE_MS,
  })
  clearInterval(asking)
  return { usual, load, statusP99Ms: quantileOf(latenciesMs, 0.99) }
}

async function killUnderLoad(
  watch: RunningWatch,
  generator: Generator,
  say: (line: string) => void,
): Promise<LoadResult> {
  say('SIGKILL under full load')
  const loading = generator.load({
    port: watch.port,
    path: REPORTS_PATH,
    isWatch: true,
    connections: CONNECTIONS,
    durationMs: 60_000,
    ratePerS: null,
    repeatShare: REPEAT_SHARE,
    mayEnd: true,
  })
  await sleep(KILL_AFTER_MS)
  const ended = once(watch.child, 'exit')
  watch.child.kill('SIGKILL')
  await ended
  return loading
}

interface Measured {
  readonly rounds: readonly Round[]
  readonly surge: Surge
  readonly kept: Kept
  readonly killed: LoadResult
  readonly keptAfterKill: Kept
  readonly forgotten: number
}

/** Medians of the rounds. */
function medians(rounds: readonly Round[]) {
  const of = (read: (round: Round) => number) => medianOf(rounds.map(read))
  return {
    perS: of(({ ours }) => ours.perS),
    barePerS: of(({ bare }) => bare.perS),
    cpuUs: of(({ ours }) => ours.cpuUs),
    bareCpuUs: of(({ bare }) => bare.cpuUs),
    coreShare: of(({ ours }) => ours.coreShare),
    bareCoreShare: of(({ bare }) => bare.coreShare),
    p99Ms: of(({ ours }) => ours.load.latenciesMs.p99),
  }
}

const rateOf = (load: LoadResult): number => ((load.taken + load.repeated) / load.durationMs) * 1_000

function report(measured: Measured): BenchResult {
  const { rounds, surge, kept, killed, keptAfterKill, forgotten } = measured
  const all = medians(rounds)
  const { p50, p99, max } = surge.load.latenciesMs
  return {
    name: 'reports',
    rows: rowsOf(measured),
    figures: {
      reportsPerS: roundTo(all.perS, 0),
      barePerS: roundTo(all.barePerS, 0),
      ratio: roundTo(all.perS / all.barePerS, 3),
      cpuUsPerReport: roundTo(all.cpuUs, 1),
      cpuUsPerBare: roundTo(all.bareCpuUs, 1),
      coreShare: roundTo(all.coreShare, 2),
      bareCoreShare: roundTo(all.bareCoreShare, 2),
      saturatedP99Ms: roundTo(all.p99Ms, 1),
      surgePerS: roundTo(rateOf(surge.load), 0),
      surgeP50Ms: roundTo(p50, 1),
      surgeP99Ms: roundTo(p99, 1),
      surgeMaxMs: roundTo(max, 1),
      statusP99Ms: roundTo(surge.statusP99Ms, 1),
      usualP99Ms: roundTo(surge.usual.latenciesMs.p99, 1),
      generatorLagP99Ms: roundTo(surge.load.lagP99Ms, 2),
      rows: kept.rows,
      lost: kept.lost,
      acknowledgedBeforeKill: killed.taken,
      unansweredAtKill: killed.unanswered,
      rowsAfterKill: keptAfterKill.rows,
      lostAfterKill: keptAfterKill.lost,
      forgottenAfterRestart: forgotten,
    },
    fallsShort: shortfallsOf(measured),
  }
}

function rowsOf({ rounds, surge, killed, keptAfterKill }: Measured): BenchRow[] {
  const all = medians(rounds)
  const { p50, p99, max } = surge.load.latenciesMs
  const ms = (what: string, ours: number, target: string | null = null): BenchRow => ({
    what,
    ours,
    rival: null,
    unit: 'ms',
    target,
  })
  return [
    {
      what: 'reports taken, counted once and on the disk, one core',
      ours: all.perS,
      rival: all.barePerS,
      unit: '/s',
      target: `≥ ${REPORTS_PER_S_MIN}`,
    },
    { what: 'processor time of one', ours: all.cpuUs, rival: all.bareCpuUs, unit: 'µs', target: null },
    ms(`report in a surge of ${roundTo(rateOf(surge.load), 0)}/s, p99`, p99, `≤ ${SURGE_P99_MAX_MS}`),
    ms('… p50', p50),
    ms('… at worst', max),
    ms('status.json meanwhile, p99', surge.statusP99Ms, `≤ ${SURGE_P99_MAX_MS}`),
    ms(`report as usual (${USUAL_PER_S}/s), p99`, surge.usual.latenciesMs.p99),
    {
      what: `lost of ${killed.taken} acknowledged, by SIGKILL`,
      ours: keptAfterKill.lost,
      rival: null,
      unit: '',
      target: '0',
    },
  ]
}

function shortfallsOf({ rounds, surge, kept, killed, keptAfterKill, forgotten }: Measured): string[] {
  const { perS, barePerS } = medians(rounds)
  const { p99 } = surge.load.latenciesMs
  const lost = kept.lost + keptAfterKill.lost
  const loads = [
    ...rounds.flatMap(({ ours, bare }) => [ours.load, bare.load]),
    surge.usual,
    surge.load,
    killed,
  ]
  const wrong = loads.flatMap((load) =>
    Object.entries(load.wrong).map(([said, times]) => `${times} × ${said}`),
  )
  return [
    perS < REPORTS_PER_S_MIN &&
      `One core takes ${roundTo(perS, 0)} reports a second; the target is ${REPORTS_PER_S_MIN}. ` +
        `The bare route takes ${roundTo(barePerS, 0)}.`,
    p99 > SURGE_P99_MAX_MS &&
      `p99 in the surge is ${roundTo(p99, 1)} ms; the target is ${SURGE_P99_MAX_MS} ms.`,
    surge.statusP99Ms > SURGE_P99_MAX_MS &&
      `p99 of status.json in the surge is ${roundTo(surge.statusP99Ms, 1)} ms; the target is ${SURGE_P99_MAX_MS} ms.`,
    surge.load.lagP99Ms > LAG_MAX_MS &&
      `The generator was ${roundTo(surge.load.lagP99Ms, 1)} ms late (p99), so the surge's latencies do not count.`,
    lost > 0 && `${lost} acknowledged reports are not on the disk.`,
    killed.taken === 0 && 'Nothing was acknowledged before the kill: it shows nothing.',
    forgotten > 0 && `${forgotten} of ${ASKED_AGAIN} people count again after the restart.`,
    wrong.length > 0 && `Answers were not what they should be: ${wrong.slice(0, 3).join('; ')}.`,
    !isPinned && 'There is one core only: nothing was pinned, and everything shared it.',
  ].filter((line) => line !== false)
}
