/** Two thousand clients that are slow, silent, gone in the middle, or in thin slices; meanwhile people watch. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { shareServed, startWatching, type Outcome } from '../../rig/people/watching.ts'
import { quantileOf } from '../../rig/quantile.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { percent, type Report } from '../report.ts'
import { countHandles } from '../../rig/service.ts'

const COUNT = 2_000
const SLOWER_MAX = 1.2
/** What two generators and a product on two cores do to each other without any fault; of two seconds of video, nothing. */
const NOISE_MS = 50
const CUT_MS = 10_000
/** Patience is looked after once a second. */
const CUT_SLACK_MS = 1_000
const QUIET_MS = 6_000
const HANDLES_SPARE = 40

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { UPLOAD_RESERVE_BYTES: '0' } })
  const audience = await gather(product, { people: 1, videos: 1 })
  const before = await countHandles(product)
  const port = Number(new URL(product.url).port)
  const players = startWatching({ port, ratePerS: 50, seconds: 120, asked: audience.media })
  await sleep(QUIET_MS)
  const beganMs = Date.now()
  const bad = await sufferBadClients(port, audience)
  const endedMs = Date.now()
  await sleep(1_000)
  players.stop()

  const quietMs = p99Of(players.outcomes, beganMs - QUIET_MS + 1_000, beganMs)
  const duringMs = p99Of(players.outcomes, beganMs, endedMs)
  const limitMs = Math.max(quietMs * SLOWER_MAX, quietMs + NOISE_MS)
  report.promise(
    `beside ${COUNT} bad clients, 99 % of what is watched come within 20 % of the time that it took before (${NOISE_MS} ms at least)`,
    duringMs <= limitMs,
    `p99 ${quietMs.toFixed(0)} → ${duringMs.toFixed(0)} ms, allowed ${limitMs.toFixed(0)} ms`,
  )
  const served = shareServed(players.outcomes, beganMs, endedMs)
  report.promise('everything that is watched is served', served === 1, percent(served))
  report.promise(
    `slow and silent ones are cut off within ${CUT_MS / 1_000} s`,
    bad.slow > 0 && bad.cut === bad.slow && bad.worstCutMs <= CUT_MS + CUT_SLACK_MS,
    `${bad.cut} of ${bad.slow}, the last after ${(bad.worstCutMs / 1_000).toFixed(1)} s; ${bad.refused} could not connect`,
  )
  report.promise(
    'who comes in thin slices is served',
    bad.slicedServed === bad.sliced,
    `${bad.slicedServed} of ${bad.sliced}`,
  )
  await promiseNothingLeft(report, product, before)
}

interface BadClients {
  readonly slow: number
  readonly cut: number
  readonly worstCutMs: number
  readonly sliced: number
  readonly slicedServed: number
  readonly refused: number
}

async function sufferBadClients(port: number, { media }: Audience): Promise<BadClients> {
  const program = join(import.meta.dirname, '..', 'injecting', 'fixtures', 'bad-clients-process.ts')
  const child = spawn(process.execPath, [program, String(port), String(COUNT), media[0]!.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const endWithUs = () => void child.kill()
  process.once('exit', endWithUs)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  process.off('exit', endWithUs)
  return JSON.parse(output) as BadClients
}

function p99Of(outcomes: readonly Outcome[], fromMs: number, toMs: number): number {
  const due = outcomes.filter(({ dueAtMs }) => dueAtMs >= fromMs && dueAtMs < toMs)
  return quantileOf(
    due.map(({ tookMs, lateMs }) => tookMs - lateMs),
    0.99,
  )
}

async function promiseNothingLeft(
  report: Report,
  product: Product,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  await sleep(2_000)
  const after = await countHandles(product)
  report.promise(
    'nothing of them is left behind',
    [...after].every(([role, count]) => count <= (before.get(role) ?? 0) + HANDLES_SPARE),
    `open handles: ${[...after].map(([role, count]) => `${role} ${before.get(role)} → ${count}`).join(', ')}`,
  )
}
