/**
 * `bench steward`: what admission costs a request and a refusal, over real sockets on one core; and, on the virtual clock,
 * whether the limit stays where it is over half an hour at twice the load, and whether every rule holds whatever comes.
 */
import { simulate, type Scene } from '../kit/admission/core/fixtures/simulate.ts'
import { Door, inScopeOf, Scope } from '../kit/admission/index.ts'
import { rankOf, Ticket } from '../kit/admission/core/index.ts'
import { isPinned } from '../tests/rig/children.ts'
import { MIX, startGenerator, type Generator } from '../tests/rig/load/generator.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { flatOut, isQuick, startServer, type LoadedServer } from './overload/parts.ts'
import type { BenchResult } from './support.ts'

/** What a run has to reach. */
const ADMITTED_MAX_US = 5
const REFUSAL_MAX_US = 50
const DRIFT_MAX = 0.25

const ROUNDS = isQuick ? 3 : 9
const ROUND_MS = isQuick ? 1_000 : 3_000
const CONNECTIONS = 16
const SCHEDULES = isQuick ? 20 : 200

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  const sockets = await measureSockets(say)
  const pureUs = measurePure()
  const { drift, limit } = measureDrift()
  const broken = playSchedules()
  const { admittedUs, refusalUs } = sockets
  const fallsShort = [
    admittedUs > ADMITTED_MAX_US &&
      `An admitted request costs ${roundTo(admittedUs, 1)} µs more; the target is ${ADMITTED_MAX_US} µs.`,
    refusalUs > REFUSAL_MAX_US &&
      `A refusal costs ${roundTo(refusalUs, 1)} µs; the target is ${REFUSAL_MAX_US} µs.`,
    drift > DRIFT_MAX &&
      `Over half an hour at 2× the limit drifts by ${roundTo(drift * 100, 0)} %; the target is ${DRIFT_MAX * 100} %.`,
    broken.length > 0 && `Rules were broken: ${broken.slice(0, 3).join('; ')}.`,
    !isPinned && 'There is one core only: nothing was pinned.',
  ].filter((line) => line !== false)
  return {
    name: 'steward',
    rows: [
      {
        what: 'an admitted request, over sockets',
        ours: admittedUs,
        rival: null,
        unit: 'µs',
        target: `≤ ${ADMITTED_MAX_US}`,
      },
      { what: 'of that, the gate itself', ours: pureUs, rival: null, unit: 'µs', target: null },
      {
        what: 'a refusal, all of it',
        ours: refusalUs,
        rival: null,
        unit: 'µs',
        target: `≤ ${REFUSAL_MAX_US}`,
      },
      { what: 'the same server’s least answer', ours: sockets.bareUs, rival: null, unit: 'µs', target: null },
      {
        what: 'drift of the limit, 30 min at 2×',
        ours: drift * 100,
        rival: null,
        unit: '%',
        target: `≤ ${DRIFT_MAX * 100}`,
      },
      {
        what: `rules broken in ${SCHEDULES} schedules`,
        ours: broken.length,
        rival: null,
        unit: '',
        target: '0',
      },
    ],
    figures: {
      admittedUs: roundTo(admittedUs, 2),
      gateUs: roundTo(pureUs, 2),
      refusalUs: roundTo(refusalUs, 1),
      bareAnswerUs: roundTo(sockets.bareUs, 1),
      limitDrift: roundTo(drift, 3),
      limitAtTwice: roundTo(limit, 1),
      schedules: SCHEDULES,
      brokenRules: broken.length,
    },
    fallsShort,
  }
}

/** Processor time a request, by servers that differ in nothing but their protection, in turns. */
async function measureSockets(say: (line: string) => void) {
  await using generator = await startGenerator()
  await using bare = await startServer('none', 'none')
  await using ours = await startServer('ours', 'none')
  await using closed = await startServer('closed', 'none')
  for (const server of [bare, ours, closed]) await costUs(generator, server, 2_000)
  const rounds: { bare: number; ours: number; closed: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({
      bare: await costUs(generator, bare, ROUND_MS),
      ours: await costUs(generator, ours, ROUND_MS),
      closed: await costUs(generator, closed, ROUND_MS),
    })
    const { bare: without, ours: with_, closed: refused } = rounds.at(-1)!
    say(
      `round ${round + 1}: ${without.toFixed(1)} µs without, ${with_.toFixed(1)} with, ${refused.toFixed(1)} refused`,
    )
  }
  return {
    admittedUs: medianOf(rounds.map((round) => round.ours - round.bare)),
    refusalUs: medianOf(rounds.map((round) => round.closed)),
    bareUs: medianOf(rounds.map((round) => round.bare)),
  }
}

async function costUs(generator: Generator, server: LoadedServer, durationMs: number): Promise<number> {
  const before = await server.status()
  const load = await generator.load({ ...flatOut(server.port, durationMs, CONNECTIONS), skipMs: 0 })
  const after = await server.status()
  const answers = load.byClass.reduce((sum, each) => sum + each.good + each.refused, 0)
  return ((after.cpuMs - before.cpuMs) / answers) * 1_000
}

/** Ticket, rank, scope, door: all that is done for a request but what HTTP does around it. */
function measurePure(): number {
  const door = new Door({ name: 'bench' })
  const once = () => {
    const ticket = new Ticket(1, 3, rankOf('01890a5d-ac96-774b-bcce-b302099a8057', 7, Date.now()))
    const scope = new Scope(1, Infinity, false)
    door.enter(ticket)
    inScopeOf(scope, () => door.leave(ticket))
  }
  const COUNT = 300_000
  for (let n = 0; n < COUNT; n++) once()
  const startedMs = performance.now()
  for (let n = 0; n < COUNT; n++) once()
  return ((performance.now() - startedMs) / COUNT) * 1_000
}

const POOL = { servers: 10, serviceMs: () => 20 } as const

/** The most that a minute's mean lies off the first settled one. */
function measureDrift(): { drift: number; limit: number } {
  const byMinute: number[] = []
  let sum = 0
  simulate({
    ...POOL,
    seed: 20_261_122,
    durationMs: 32 * 60_000,
    ratePerS: (_nowMs, each) => 1_000 * MIX[each],
    onSecond(nowMs, gate) {
      sum += gate.settledLimit
      if (nowMs === 0 || nowMs % 60_000 !== 0) return
      byMinute.push(sum / 60)
      sum = 0
    },
  })
  const [, settled, ...later] = byMinute as [number, number, ...number[]]
  return { limit: settled, drift: Math.max(...later.map((limit) => Math.abs(limit / settled - 1))) }
}

/** Seeded schedules of surges, slow and stuck pools, and clients that go away; every broken rule, with its seed. */
function playSchedules(): string[] {
  const broken: string[] = []
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const part = (n: number) => rankOf(`part ${n}`, seed, 0) / 64
    const slowness = 1 + part(1) * 20
    const scene: Scene = {
      seed,
      servers: 1 + Math.floor(part(2) * 20),
      durationMs: 20_000,
      countFromMs: 15_000,
      variation: part(3),
      goneShare: part(4) * 0.3,
      serviceMs: (nowMs) => 20 * (nowMs > 3_000 && nowMs < 6_000 ? slowness : 1),
      ratePerS: (nowMs, each) => (nowMs < 8_000 ? 400 * part(5 + each) : 2),
      gate: { maxWaiting: 1 + Math.floor(part(9) * 500) },
    }
    const outcome = simulate(scene)
    broken.push(...outcome.broken.map((rule) => `seed ${seed}: ${rule}`))
    const refused = outcome.byClass.reduce((sum, each) => sum + each.refused, 0)
    const offered = outcome.byClass.reduce((sum, each) => sum + each.offered, 0)
    if (refused > offered * 0.1)
      broken.push(`seed ${seed}: ${refused} of ${offered} refused in the calm afterwards`)
  }
  return broken
}
