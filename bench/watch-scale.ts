/**
 * `bench watch-scale`: 10,000 HTTP monitors at 20 seconds, a tenth of whose targets hang, and 10,000 components on the
 * pages meanwhile, beside Prometheus with the blackbox exporter on the same targets.
 *
 * The target stands on the other core and judges how late each check comes, so both are measured by the same clock. What is
 * measured has one core. The other side is Debian's `prometheus` and `prometheus-blackbox-exporter`; where they are not
 * installed, the benchmark says so and how to.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { isPinned } from '../tests/rig/children.ts'
import { readUse } from './machine/process-use.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { startRunningWatch } from './machine/running-watch.ts'
import type { BenchResult, BenchRow } from './support.ts'
import { HOW_TO_INSTALL, isPrometheusHere, startPrometheus } from './watch-scale/prometheus.ts'
import { EVERY_S, MONITORS, startTarget, type Target } from './watch-scale/target.ts'
import type { Arrivals } from './watch-scale/target-process.ts'
import { describeService, startVisitor, type PageFigures, type Visitor } from './watch-scale/watch.ts'

/** What a run has to reach. */
const CHECKS_PER_CORE_S_MIN = 400
const MIB_PER_MONITOR_MAX = 0.15
const LATENESS_P99_MAX_MS = 1_000
const PAGE_MAX_MS = 1_000

/** Until every monitor has had its first turns. */
const SETTLE_MS = 2.5 * EVERY_S * 1_000
const ROUNDS = 3
const ROUND_MS = 3 * EVERY_S * 1_000

interface Round {
  readonly arrivals: Arrivals
  readonly checksPerCoreS: number
  readonly coreShare: number
  readonly pages: Readonly<Record<string, PageFigures>> | null
}

interface Side {
  readonly rounds: readonly Round[]
  readonly peakResidentMiB: number
}

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  await using dir = await makeTemporaryDir()
  await using target = await startTarget()
  const ours = await measureWatch(join(dir.path, 'watch'), target, say)
  const theirs = await measurePrometheus(join(dir.path, 'prometheus'), target, say)
  return report(ours, theirs)
}

async function measureWatch(dir: string, target: Target, say: (line: string) => void): Promise<Side> {
  say(`the watch: ${MONITORS} monitors`)
  await using watch = await startRunningWatch(dir, [describeService(target.port)])
  await using visitor = startVisitor(watch)
  return await measure([watch.pid], target, visitor, say)
}

async function measurePrometheus(
  dir: string,
  target: Target,
  say: (line: string) => void,
): Promise<Side | null> {
  if (!(await isPrometheusHere())) {
    say(`Prometheus and its blackbox exporter are not installed here: ${HOW_TO_INSTALL}`)
    return null
  }
  say(`Prometheus with the blackbox exporter: ${MONITORS} targets`)
  await using prometheus = await startPrometheus(dir, target.port)
  return await measure(prometheus.pids, target, null, say)
}

async function measure(
  pids: readonly number[],
  target: Target,
  visitor: Visitor | null,
  say: (line: string) => void,
): Promise<Side> {
  await sleep(SETTLE_MS)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round++) {
    visitor?.take()
    await target.begin()
    const before = await readUse(pids)
    await sleep(ROUND_MS)
    const { cpuS } = await readUse(pids)
    const arrivals = await target.judge()
    const usedS = cpuS - before.cpuS
    rounds.push({
      arrivals,
      checksPerCoreS: arrivals.checks / usedS,
      coreShare: usedS / (arrivals.durationMs / 1_000),
      pages: visitor?.take() ?? null,
    })
    say(
      `round ${round + 1}: ${Math.round(arrivals.checks / usedS)} checks per core-second, ` +
        `p99 ${Math.round(arrivals.latenessMs.p99)} ms late`,
    )
  }
  return { rounds, peakResidentMiB: (await readUse(pids)).peakResidentMiB }
}

/** Each figure is the median of the rounds; of what must never happen, the worst. */
function figuresOf({ rounds, peakResidentMiB }: Side) {
  const median = (read: (round: Round) => number) => medianOf(rounds.map(read))
  const worst = (read: (round: Round) => number) => Math.max(...rounds.map(read))
  return {
    checksPerS: median(({ arrivals }) => (arrivals.checks / arrivals.durationMs) * 1_000),
    checksPerCoreS: median(({ checksPerCoreS }) => checksPerCoreS),
    coreShare: median(({ coreShare }) => coreShare),
    mibPerMonitor: peakResidentMiB / MONITORS,
    latenessP50Ms: median(({ arrivals }) => arrivals.latenessMs.p50),
    latenessP99Ms: median(({ arrivals }) => arrivals.latenessMs.p99),
    latenessMaxMs: worst(({ arrivals }) => arrivals.latenessMs.max),
    missedShare: median(({ arrivals }) => arrivals.missed / (arrivals.checks + arrivals.missed)),
    unseen: worst(({ arrivals }) => MONITORS - arrivals.seen),
  }
}

interface PageRow {
  readonly name: string
  readonly medianMs: number
  readonly slowestMs: number
  readonly kb: number
}

/** The status page first. */
const pagesOf = ({ rounds }: Side): PageRow[] =>
  Object.keys(rounds[0]!.pages!).map((name) => {
    const of = rounds.map((round) => round.pages![name]!)
    return {
      name,
      medianMs: medianOf(of.map(({ medianMs }) => medianMs)),
      slowestMs: Math.max(...of.map(({ slowestMs }) => slowestMs)),
      kb: of.at(-1)!.bytes / 1_000,
    }
  })

function report(ourSide: Side, theirSide: Side | null): BenchResult {
  const ours = figuresOf(ourSide)
  const theirs = theirSide && figuresOf(theirSide)
  const pages = pagesOf(ourSide)
  const rounded = (figures: typeof ours, prefix: string) =>
    Object.entries(figures).map(([key, value]) => [`${prefix}${key}`, roundTo(value, 3)] as const)
  return {
    name: 'watch-scale',
    rows: rowsOf(ours, theirs, pages),
    figures: Object.fromEntries([
      ...rounded(ours, ''),
      ...(theirs ? rounded(theirs, 'prometheus-') : []),
      ...pages.map(({ name, slowestMs }) => [`${name}, ms at worst`, roundTo(slowestMs, 0)] as const),
    ]),
    fallsShort: shortfallsOf(ours, theirs, pages),
  }
}

type Figures = ReturnType<typeof figuresOf>

function rowsOf(ours: Figures, theirs: Figures | null, pages: readonly PageRow[]): BenchRow[] {
  const row = (what: string, key: keyof Figures, unit: string, target: string | null = null): BenchRow => ({
    what,
    ours: ours[key],
    rival: theirs && theirs[key],
    unit,
    target,
  })
  const ofPage = (what: string, ms: number, target: string | null): BenchRow => ({
    what,
    ours: ms,
    rival: null,
    unit: 'ms',
    target,
  })
  return [
    row('checks a core-second', 'checksPerCoreS', '', `≥ ${CHECKS_PER_CORE_S_MIN}`),
    row('checks a second', 'checksPerS', '/s'),
    row('memory a monitor, at its peak', 'mibPerMonitor', 'MiB', `≤ ${MIB_PER_MONITOR_MAX}`),
    row('lateness of a check, p99', 'latenessP99Ms', 'ms', `≤ ${LATENESS_P99_MAX_MS}`),
    row('lateness of a check, at worst', 'latenessMaxMs', 'ms'),
    row('turns missed', 'missedShare', 'of all'),
    ...pages.flatMap(({ name, medianMs, slowestMs, kb }, index) => [
      ofPage(`${name} (${roundTo(kb, 0)} kB), median`, medianMs, null),
      ofPage('… at worst', slowestMs, index === 0 ? `≤ ${PAGE_MAX_MS}` : null),
    ]),
  ]
}

function shortfallsOf(ours: Figures, theirs: Figures | null, pages: readonly PageRow[]): string[] {
  const first = pages[0]!
  return [
    ours.checksPerCoreS < CHECKS_PER_CORE_S_MIN &&
      `A core-second makes ${roundTo(ours.checksPerCoreS, 0)} checks; the target is ${CHECKS_PER_CORE_S_MIN}.`,
    ours.mibPerMonitor > MIB_PER_MONITOR_MAX &&
      `A monitor takes ${roundTo(ours.mibPerMonitor, 3)} MiB; the target is ${MIB_PER_MONITOR_MAX}.`,
    ours.latenessP99Ms > LATENESS_P99_MAX_MS &&
      `A check in a hundred is ${roundTo(ours.latenessP99Ms, 0)} ms late or more; the target is ${LATENESS_P99_MAX_MS} ms.`,
    first.slowestMs > PAGE_MAX_MS &&
      `The status page took up to ${roundTo(first.slowestMs, 0)} ms; the target is ${PAGE_MAX_MS} ms.`,
    ours.unseen > 0 && `${ours.unseen} monitors were never run in a round.`,
    theirs === null &&
      `Nothing stands beside it: Prometheus and its blackbox exporter are not installed (${HOW_TO_INSTALL}).`,
    !isPinned && 'There is one core only: nothing was pinned, and everything shared it.',
  ].filter((line) => line !== false)
}
