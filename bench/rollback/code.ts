/** Releases of code as real processes: bad ones of each kind, then good ones, under people's requests. */
import { FAULTS, LIMITS_MS, type Fault } from '../../tests/rig/releases/code.ts'
import { openReleaseStage } from '../../tests/rig/releases/stage.ts'
import { HARMED_SHARE_MAX, type Suffered } from '../../tests/rig/releases/suffering.ts'
import { roundTo } from '../../tests/rig/quantile.ts'
import type { BenchRow } from '../support.ts'
import type { RollbackPart } from './part.ts'

const GOOD = 5

/** @param say hears of each step */
export async function measureCode(say: (line: string) => void): Promise<RollbackPart> {
  // What makes this machine busy besides must not close anything.
  process.env['PROTECTIONS_OFF'] = 'levels'
  await using stage = await openReleaseStage()
  const { usualP99Ms } = stage
  const release = (fault: Fault | null, mark: string): Promise<Suffered> => {
    say(`${mark} …`)
    return stage.suffer(fault, mark)
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
  // What is not known has no row: one that can't be loaded is found before anybody's request gets there.
  const row = (what: string, ms: number | null, target: string | null): BenchRow[] =>
    ms === null
      ? []
      : [{ what: `${fault}: ${what}`, ours: roundTo(ms / 1_000, 1), rival: null, unit: 's', target }]
  return [
    ...row('found after its first request', detectedMs, null),
    ...row('the old code everywhere', judgedMs, limit),
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
