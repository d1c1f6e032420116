/** Releases of code as real processes: bad ones of each kind, then good ones, under people's requests. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CRASHING_PATH, FAULTS, LIMITS_MS, writeRelease, type Fault } from '../../tests/rig/releases/code.ts'
import { HARMED_SHARE_MAX, sufferRelease, type Suffered } from '../../tests/rig/releases/suffering.ts'
import { startVisitors } from '../../tests/rig/releases/visitors.ts'
import { quantileOf, roundTo } from '../../tests/rig/quantile.ts'
import { startProduct } from '../../tests/support/product.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import type { BenchRow } from '../support.ts'
import type { RollbackPart } from './part.ts'

const GOOD = 5
const PER_S = 50
const WARM_UP_MS = 8_000
const PATHS = ['/', '/api/v1/instance', '/api/v1/state', '/api/v1/feed/for-you', '/healthz', CRASHING_PATH]

/** @param say hears of each step */
export async function measureCode(say: (line: string) => void): Promise<RollbackPart> {
  await using dir = await makeTemporaryDir()
  // What makes this machine busy besides must not close anything.
  process.env['PROTECTIONS_OFF'] = 'levels'
  await using product = await startProduct({
    dataDir: join(dir.path, 'data'),
    env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0' },
  })
  await product.settled()
  await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
  await sleep(WARM_UP_MS)
  const usualP99Ms = quantileOf(visitors.visits.latenciesMs, 0.99)
  const release = async (fault: Fault | null, mark: string): Promise<Suffered> => {
    say(`${mark} …`)
    const path = await writeRelease(join(dir.path, mark.replaceAll(/\W+/g, '-')), { fault, mark, usualP99Ms })
    return await sufferRelease(product, visitors, { dir: path, perS: PER_S })
  }
  const bad: (readonly [Fault, Suffered])[] = []
  for (const fault of Object.keys(FAULTS) as Fault[]) bad.push([fault, await release(fault, fault)])
  const good: Suffered[] = []
  for (let n = 1; n <= GOOD; n++) good.push(await release(null, `good release ${n}`))
  return {
    rows: [...bad.flatMap(([fault, suffered]) => rowsOf(fault, suffered)), ...goodRows(good)],
    figures: {
      usualP99Ms: roundTo(usualP99Ms, 1),
      visitorsLagMaxMs: Math.round(
        Math.max(...[...bad.map(([, one]) => one), ...good].map((one) => one.lagMaxMs)),
      ),
    },
    fallsShort: [
      ...bad.flatMap(([fault, suffered]) => shortcomings(fault, suffered)),
      ...good.flatMap(({ released, failedShare }, n) => [
        ...(released.isPromoted ? [] : [`The good release ${n + 1} went back: ${released.words}`]),
        ...(failedShare > HARMED_SHARE_MAX
          ? [`The good release ${n + 1} harmed ${percent(failedShare)} of requests.`]
          : []),
      ]),
    ],
  }
}

function rowsOf(fault: Fault, { released, failedShare }: Suffered): BenchRow[] {
  const { detectedMs, judgedMs } = released
  const limit = `≤ ${LIMITS_MS[fault] / 1_000} s`
  // One that can't be loaded is found before anybody's request gets there.
  const s = (ms: number | null) => roundTo((ms ?? 0) / 1_000, 1)
  return [
    {
      what: `${fault}: found after its first request`,
      ours: s(detectedMs),
      rival: null,
      unit: 's',
      target: null,
    },
    { what: `${fault}: the old code everywhere`, ours: s(judgedMs), rival: null, unit: 's', target: limit },
    harmRow(fault, failedShare),
  ]
}

const harmRow = (what: string, failedShare: number): BenchRow => ({
  what: `${what}: requests that failed, to 10 min after its start`,
  ours: roundTo(failedShare * 100, 4),
  rival: null,
  unit: '%',
  target: `≤ ${HARMED_SHARE_MAX * 100} %`,
})

const goodRows = (good: readonly Suffered[]): BenchRow[] => [
  {
    what: `${good.length} good releases: taken back`,
    ours: good.filter(({ released }) => !released.isPromoted).length,
    rival: null,
    unit: '',
    target: '0',
  },
  harmRow('good releases, the worst', Math.max(...good.map(({ failedShare }) => failedShare))),
]

function shortcomings(
  fault: Fault,
  { released, failed, failedAfter, failedShare, kinds }: Suffered,
): string[] {
  const { isPromoted, judgedMs, words } = released
  const isLate = judgedMs !== null && judgedMs > LIMITS_MS[fault]
  return [
    ...(isPromoted ? [`"${fault}" was promoted: ${words}`] : []),
    ...(!isPromoted && judgedMs === null && fault !== 'a crash on load'
      ? [`"${fault}" was not tried: ${words}`]
      : []),
    ...(isLate ? [`"${fault}" was back after ${roundTo(judgedMs / 1_000, 1)} s.`] : []),
    ...(failedShare > HARMED_SHARE_MAX
      ? [`"${fault}" harmed ${percent(failedShare)} of requests (${kinds}).`]
      : []),
    ...(failedAfter > 0 ? [`After "${fault}" was back, requests failed still; ${failed} in all.`] : []),
  ]
}

const percent = (share: number): string => `${roundTo(share * 100, 3)} %`
