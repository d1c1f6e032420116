/**
 * `bench outages`: how soon, how truly and how rightly the detector speaks, beside four rules that others use.
 *
 * Worlds come from the public simulator (engines/detect/simulate): four services of four sizes for a month each, with
 * every cause, noise and gap. The detector's constants were fixed on the seeds from 1000 on; the figures are from the
 * seeds from 1 on. `--quick`: 3 worlds (12 service-months) instead of 50 (200). `--tuning`: the other seeds, with what
 * went wrong. Beside them, without retuning: a second, differently built generator, and public incidents re-told.
 */
import { createMonth, createRetold, createStorms, RETOLD } from '../engines/detect/simulate/index.ts'
import {
  confusionsOf,
  figuresOf,
  quantile,
  rivalFiguresOf,
  type Figures,
  type RivalFigures,
} from './outages/figures.ts'
import { judge, type Judged } from './outages/judging.ts'
import { RIVALS } from './outages/rivals.ts'
import { watchWorld } from './outages/watching.ts'
import type { BenchResult, BenchRow } from './support.ts'

/** What a run has to reach. */
const DELAY_MEDIAN_MAX_S = 60
const DELAY_P95_MAX_S = 150
const FALSE_ALARMS_MAX = 0.2
const COLLATERAL_MAX = 0.05
const MACRO_F1_MIN = 0.85
const FALSE_BACK_MAX = 0.02

const WORLDS = 50
const WORLDS_QUICK = 3
const STORMS = 5
const STORMS_QUICK = 1
const FIRST_SEED = 1
const FIRST_TUNING_SEED = 1001

export async function run(): Promise<BenchResult> {
  const isQuick = process.argv.includes('--quick')
  const isTuning = process.argv.includes('--tuning')
  const count = isQuick ? WORLDS_QUICK : WORLDS
  const firstSeed = isTuning ? FIRST_TUNING_SEED : FIRST_SEED
  const judged: Judged[] = []
  let cpuMs = 0
  for (let world = 0; world < count; world++) {
    const watched = watchWorld(createMonth({ seed: firstSeed + world }))
    cpuMs += watched.cpuMs
    judged.push(judge(watched))
    const soFar = figuresOf(judged)
    console.error(
      `world ${world + 1} of ${count}: delay ${soFar.delayMedianS} / ${soFar.delayP95S} s, ` +
        `${soFar.falseAlarmsPerMonth.toFixed(2)} false alarms a month, F1 ${soFar.macroF1.toFixed(2)}`,
    )
    if (isTuning) tellMistakes(judged.at(-1)!)
  }
  if (isTuning) {
    console.error(confusionsOf(judged))
    return report(judged, cpuMs, null)
  }
  return report(judged, cpuMs, watchOthers(isQuick ? STORMS_QUICK : STORMS))
}

/** What the constants were not tuned on. */
interface Others {
  readonly storms: Figures
  readonly retold: readonly RetoldJudged[]
}

interface RetoldJudged {
  readonly id: string
  readonly delayS: number | null
  readonly isCauseRight: boolean
  readonly cause: string | null
  readonly falseBack: number
}

function watchOthers(worlds: number): Others {
  const storms = Array.from({ length: worlds }, (_, world) => {
    console.error(`storms: world ${world + 1} of ${worlds}`)
    return judge(watchWorld(createStorms({ seed: FIRST_SEED + world })))
  })
  const retold = RETOLD.map((incident) => {
    const judged = judge(watchWorld(createRetold(incident, { seed: FIRST_SEED, size: 'large' })))
    const [found] = judged.found
    const delayMs = found?.delayMs ?? null
    const cause = found?.cause ?? null
    console.error(`retold: ${incident.id}: ${delayMs === null ? 'never' : `${delayMs / 1000} s`}, ${cause}`)
    return {
      id: incident.id,
      delayS: delayMs === null ? null : delayMs / 1000,
      cause,
      isCauseRight: incident.causes.some((each) => each === cause),
      falseBack: judged.falseBack,
    }
  })
  return { storms: figuresOf(storms), retold }
}

function tellMistakes(judged: Judged): void {
  for (const { serviceId, atMs, why } of judged.falseAlarms)
    console.error(`  false alarm: ${serviceId} ${new Date(atMs).toISOString()} ${why}`)
  for (const mistake of judged.mistakes) console.error(`  ${mistake}`)
  for (const { outage, cause, causeProbability } of judged.found) {
    if (cause !== null && cause !== outage.cause)
      console.error(
        `  ${outage.cause} taken for ${cause} (${causeProbability?.toFixed(2)}) on ${outage.serviceId}`,
      )
  }
  for (const { outage, delayMs, isCovered, size } of judged.found) {
    if (!outage.isMajor || !isCovered || (delayMs !== null && delayMs <= DELAY_P95_MAX_S * 1000)) continue
    const where = `${outage.featureIds.join('+')} in ${outage.regions.join('+')}`
    console.error(
      `  late: ${size} ${outage.cause} ${where}: ${delayMs === null ? 'never' : `${delayMs / 1000} s`}`,
    )
  }
}

function report(judged: readonly Judged[], cpuMs: number, others: Others | null): BenchResult {
  const ours = figuresOf(judged)
  const rivals = Object.keys(RIVALS).map((name) => [name, rivalFiguresOf(judged, name)] as const)
  return {
    name: 'outages',
    rows: [
      ...rowsOf(ours, cpuMs),
      ...rivals.flatMap(([name, rival]) => rivalRows(ours, name, rival)),
      ...(others === null ? [] : otherRows(others)),
    ],
    figures: {
      ...Object.fromEntries(Object.entries(ours).map(([name, value]) => [name, finite(value)])),
      detectorCpuSPerServiceMonth: cpuMs / 1000 / ours.serviceMonths,
      ...Object.fromEntries(
        rivals.flatMap(([name, rival]) =>
          Object.entries(rival).map(([figure, value]) => [`${name}.${figure}`, finite(value)]),
        ),
      ),
      ...(others === null ? {} : otherFigures(others)),
    },
    fallsShort: shortfallsOf(ours),
  }
}

function otherRows({ storms, retold }: Others): BenchRow[] {
  const row = (what: string, ours: number | null, unit: string): BenchRow[] =>
    ours === null ? [] : [{ what, ours, rival: null, unit, target: null }]
  return [
    ...row('second generator: delay, median', storms.delayMedianS, 's'),
    ...row('second generator: delay, 95 %', storms.delayP95S, 's'),
    ...row('second generator: found', storms.foundShare * 100, '%'),
    ...row('second generator: false alarms per service-month', storms.falseAlarmsPerMonth, ''),
    ...row('second generator: neighbours blamed', storms.collateralShare * 100, '%'),
    ...row('second generator: cause, macro-F1', storms.macroF1, ''),
    ...row('second generator: false "back"', storms.falseBackShare * 100, '%'),
    ...row('public incidents re-told', retold.length, ''),
    ...row('of these, found', retold.filter(({ delayS }) => delayS !== null).length, ''),
    ...row('of these, delay, median', retoldMedianS(retold), 's'),
    ...row('of these, cause right', retold.filter(({ isCauseRight }) => isCauseRight).length, ''),
    ...row(
      'of these, false "back"',
      retold.reduce((sum, { falseBack }) => sum + falseBack, 0),
      '',
    ),
  ]
}

const retoldMedianS = (retold: readonly RetoldJudged[]): number | null =>
  quantile(
    retold.map(({ delayS }) => delayS),
    0.5,
  )

function otherFigures({ storms, retold }: Others): Record<string, number | string | null> {
  return {
    ...Object.fromEntries(Object.entries(storms).map(([name, value]) => [`storms.${name}`, finite(value)])),
    'retold.count': retold.length,
    'retold.found': retold.filter(({ delayS }) => delayS !== null).length,
    'retold.delayMedianS': finite(retoldMedianS(retold)),
    'retold.causeRight': retold.filter(({ isCauseRight }) => isCauseRight).length,
    'retold.missedOrWrong': retold
      .filter(({ delayS, isCauseRight }) => delayS === null || !isCauseRight)
      .map(({ id, delayS, cause }) => `${id}: ${delayS === null ? 'never found' : cause}`)
      .join('; '),
  }
}

const finite = (value: number | null): number | string | null => (value === Infinity ? 'never' : value)

function rowsOf(ours: Figures, cpuMs: number): BenchRow[] {
  const row = (what: string, value: number | null, unit: string, target: string | null = null): BenchRow[] =>
    value === null ? [] : [{ what, ours: value, rival: null, unit, target }]
  return [
    ...row('service-months', ours.serviceMonths, ''),
    ...row('major outages that can be seen', ours.covered, ''),
    ...row('of these, found', ours.foundShare * 100, '%'),
    ...row('detection delay, median', ours.delayMedianS, 's', `≤ ${DELAY_MEDIAN_MAX_S} s`),
    ...row('detection delay, 95 %', ours.delayP95S, 's', `≤ ${DELAY_P95_MAX_S} s`),
    ...row('false alarms per service-month', ours.falseAlarmsPerMonth, '', `≤ ${FALSE_ALARMS_MAX}`),
    ...row('neighbours blamed', ours.collateralShare * 100, '%', `≤ ${COLLATERAL_MAX * 100} %`),
    ...row('cause, macro-F1', ours.macroF1, '', `≥ ${MACRO_F1_MIN}`),
    ...row('cause, calibration error', ours.calibrationError, ''),
    ...row('recovery called after, median', ours.recoveryMedianS, 's'),
    ...row('recovery called after, 95 %', ours.recoveryP95S, 's'),
    ...row('false "back"', ours.falseBackShare * 100, '%', `≤ ${FALSE_BACK_MAX * 100} %`),
    ...row('onset dated within, median', ours.onsetErrorMedianS, 's'),
    ...row('cells said, overlap with the truth', ours.overlapMean * 100, '%'),
    ...row('others (few reports, no probe): delay, median', ours.uncoveredDelayMedianS, 's'),
    ...row('others: an oracle with known rates, median', ours.uncoveredOracleMedianS, 's'),
    ...row('minor outages found', ours.minorFoundShare === null ? null : ours.minorFoundShare * 100, '%'),
    ...row('suspicions told per service-month', ours.suspicionsPerMonth, ''),
    ...row('detector, processor time per service-month', cpuMs / 1000 / ours.serviceMonths, 's'),
  ]
}

function rivalRows(ours: Figures, name: string, rival: RivalFigures): BenchRow[] {
  const row = (what: string, own: number | null, other: number | null, unit: string): BenchRow => ({
    what: `${name}: ${what}`,
    ours: own ?? Number.NaN,
    rival: other,
    unit,
    target: null,
  })
  return [
    row('delay, median', ours.delayMedianS, rival.delayMedianS, 's'),
    row('delay, 95 %', ours.delayP95S, rival.delayP95S, 's'),
    row('found', ours.foundShare * 100, rival.foundShare * 100, '%'),
    row('false alarms per service-month', ours.falseAlarmsPerMonth, rival.falseAlarmsPerMonth, ''),
    row('neighbours blamed', ours.collateralShare * 100, rival.collateralShare * 100, '%'),
  ]
}

function shortfallsOf(ours: Figures): string[] {
  const shortfalls: string[] = []
  const check = (isMet: boolean, sentence: string): void => {
    if (!isMet) shortfalls.push(sentence)
  }
  const told = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(2))
  check(
    (ours.delayMedianS ?? Infinity) <= DELAY_MEDIAN_MAX_S,
    `The median detection delay is ${told(ours.delayMedianS)} s, above ${DELAY_MEDIAN_MAX_S} s.`,
  )
  check(
    (ours.delayP95S ?? Infinity) <= DELAY_P95_MAX_S,
    `The 95 % detection delay is ${told(ours.delayP95S)} s, above ${DELAY_P95_MAX_S} s.`,
  )
  check(
    ours.falseAlarmsPerMonth <= FALSE_ALARMS_MAX,
    `There are ${told(ours.falseAlarmsPerMonth)} false alarms per service-month, above ${FALSE_ALARMS_MAX}.`,
  )
  check(
    ours.collateralShare <= COLLATERAL_MAX,
    `Neighbours are blamed in ${told(ours.collateralShare * 100)} % of the cases, above ${COLLATERAL_MAX * 100} %.`,
  )
  check(ours.macroF1 >= MACRO_F1_MIN, `The causes' macro-F1 is ${told(ours.macroF1)}, below ${MACRO_F1_MIN}.`)
  check(
    ours.falseBackShare <= FALSE_BACK_MAX,
    `"Back" was false in ${told(ours.falseBackShare * 100)} % of the cases, above ${FALSE_BACK_MAX * 100} %.`,
  )
  return shortfalls
}
