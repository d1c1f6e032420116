/** Compares what was said with the truth. */
import type { Cause } from '../../engines/detect/index.ts'
import { strengthAt, truthOf, type SimulatedOutage } from '../../engines/detect/simulate/index.ts'
import type { Alarm } from './rivals.ts'
import type { Call, Watched } from './watching.ts'

const MINUTE_MS = 60_000
/** Reports trail an outage: an alarm so soon after its end is still about it. */
const TRAIL_MS = 15 * MINUTE_MS
/** The evidence that a detector wants before it speaks, in nats; for the oracle, which knows all rates. */
const ORACLE_NATS = 11.5

export interface Found {
  readonly outage: SimulatedOutage
  readonly size: string
  /** Null: never. Not below 0: what is seen while it is still growing is seen at once. */
  readonly delayMs: number | null
  /** At least two reports a minute expected, or a probe that can see it. */
  readonly isCovered: boolean
  readonly oracleMs: number
  readonly recoveryMs: number | null
  readonly cause: Cause | null
  readonly causeProbability: number | null
  readonly onsetErrorMs: number | null
  /** Overlap of the cells said and the cells broken, over all of either. */
  readonly overlap: number | null
}

export interface Judged {
  readonly serviceMonths: number
  readonly found: readonly Found[]
  readonly falseAlarms: readonly { serviceId: string; atMs: number; why: string }[]
  /** Pairs of an outage and a neighbour that gets its reports, and those on which the neighbour was blamed. */
  readonly exposed: number
  readonly collateral: number
  readonly resolved: number
  readonly falseBack: number
  /** In words, for whoever tunes. */
  readonly mistakes: readonly string[]
  readonly rivals: Readonly<Record<string, RivalJudged>>
  readonly suspicions: number
}

export interface RivalJudged {
  readonly delaysMs: readonly (number | null)[]
  readonly falseAlarms: number
  readonly collateral: number
}

export function judge(watched: Watched): Judged {
  const { world, calls } = watched
  const found = world.outages.map((outage) => findIn(watched, outage))
  const falseAlarms: Judged['falseAlarms'][number][] = []
  const blamed = new Set<string>()
  for (const call of calls) {
    for (const atMs of [call.confirmedMs, ...call.relapsedMs]) {
      if (isTrue(watched, call, atMs)) continue
      const culprit = neighbourOutage(watched, call.serviceId, atMs)
      if (culprit === null) falseAlarms.push({ serviceId: call.serviceId, atMs, why: describe(call) })
      else blamed.add(`${call.serviceId} ${culprit} ${describe(call)}`)
    }
  }
  const mistakes: string[] = []
  const resolved = calls.flatMap((call) => call.resolvedMs.map((atMs) => ({ call, atMs })))
  const falseBack = resolved.filter(({ call, atMs }) => isStillBroken(watched, call, atMs))
  for (const { call, atMs } of falseBack)
    mistakes.push(`false back: ${call.serviceId} ${new Date(atMs).toISOString()}`)
  for (const blame of blamed) mistakes.push(`blamed: ${blame}`)
  return {
    serviceMonths: ((world.endMs - world.startMs) / (30 * 86_400_000)) * world.services.length,
    found,
    falseAlarms,
    exposed: exposedPairs(watched),
    collateral: blamed.size,
    resolved: resolved.length,
    falseBack: falseBack.length,
    mistakes,
    rivals: Object.fromEntries(
      Object.entries(watched.rivals).map(([name, alarms]) => [name, judgeRival(watched, alarms, found)]),
    ),
    suspicions: watched.suspicions,
  }
}

function findIn(watched: Watched, outage: SimulatedOutage): Found {
  const { startMs, endMs } = truthOf(outage)
  const service = watched.world.services.find(({ model }) => model.id === outage.serviceId)!
  const call = watched.calls.find(
    (each) =>
      each.serviceId === outage.serviceId &&
      touches(each, outage) &&
      ((each.confirmedMs >= outage.profile[0]![0] && each.confirmedMs < endMs) ||
        each.relapsedMs.some((atMs) => atMs >= outage.profile[0]![0] && atMs < endMs)),
  )
  const { usual, expected, canProbe } = expectedOf(watched, outage)
  const common = {
    outage,
    size: service.size,
    isCovered: expected >= 2 || canProbe,
    oracleMs: oracle(usual, expected, watched.world.weather.reportLagS),
  }
  if (call === undefined)
    return {
      ...common,
      delayMs: null,
      recoveryMs: null,
      cause: null,
      causeProbability: null,
      onsetErrorMs: null,
      overlap: null,
    }
  const saidMs = [call.confirmedMs, ...call.relapsedMs].find((atMs) => atMs >= outage.profile[0]![0])!
  const lastMs = call.resolvedMs.at(-1)
  const truth = new Set(outage.featureIds.flatMap((f) => outage.regions.map((r) => `${f} ${r}`)))
  const said = new Set(call.outage.cells.map(({ featureId, region }) => `${featureId} ${region}`))
  const both = [...said].filter((cell) => truth.has(cell)).length
  return {
    ...common,
    delayMs: Math.max(saidMs - startMs, 0),
    recoveryMs: lastMs === undefined ? null : lastMs - endMs,
    cause: call.causes[0]?.cause ?? 'unknown',
    causeProbability: call.causes[0]?.probability ?? 0,
    onsetErrorMs: Math.abs(call.outage.onset.medianMs - startMs),
    overlap: both / (truth.size + said.size - both),
  }
}

const touches = (call: Call, outage: SimulatedOutage): boolean =>
  call.outage.cells.some(
    ({ featureId, region }) => outage.featureIds.includes(featureId) && outage.regions.includes(region),
  )

/** Reports a minute on its cells, without and with it, and whether a probe is where it can be seen. */
function expectedOf(watched: Watched, outage: SimulatedOutage) {
  const service = watched.world.services.find(({ model }) => model.id === outage.serviceId)!
  const { model } = service
  const share =
    outage.featureIds.reduce(
      (sum, id) => sum + service.featureShares[model.features.findIndex((f) => f.id === id)]!,
      0,
    ) * outage.regions.reduce((sum, id) => sum + service.regionShares[model.regions.indexOf(id)]!, 0)
  const { startMs } = truthOf(outage)
  const offsetMs = (model.utcOffsetMinutes?.[outage.regions[0]!] ?? 0) * MINUTE_MS
  const usual = service.reportsPerMin * share * watched.world.weather.rhythm(startMs + offsetMs, service)
  const canProbe =
    outage.probeFailure >= 0.5 &&
    outage.featureIds.some((id) => service.probedFeatures.includes(id)) &&
    service.vantages.some(
      ({ region, asn }) =>
        (region === null || outage.regions.includes(region)) &&
        (outage.probeAsn === null || outage.probeAsn === asn),
    )
  return { usual, expected: usual * outage.reportFactor, canProbe }
}

/** How soon reports alone could prove it to one who knows both rates exactly. */
function oracle(usual: number, expected: number, lagS: number): number {
  const natsPerMin = expected * Math.log(expected / usual) - (expected - usual)
  return (ORACLE_NATS / natsPerMin) * MINUTE_MS + lagS * 1000
}

function isTrue(watched: Watched, call: Call, atMs: number): boolean {
  return watched.world.outages.some(
    (outage) =>
      outage.serviceId === call.serviceId &&
      touches(call, outage) &&
      atMs >= outage.profile[0]![0] &&
      atMs <= truthOf(outage).endMs + TRAIL_MS,
  )
}

function neighbourOutage(watched: Watched, serviceId: string, atMs: number): number | null {
  const neighbours = watched.world.services.find(({ model }) => model.id === serviceId)!.model.neighbours
  const at = watched.world.outages.findIndex(
    (outage) =>
      neighbours.includes(outage.serviceId) &&
      atMs >= outage.profile[0]![0] &&
      atMs <= outage.profile.at(-1)![0] + TRAIL_MS,
  )
  return at === -1 ? null : at
}

/** Outages that send a neighbour at least one report a minute. */
function exposedPairs(watched: Watched): number {
  let pairs = 0
  for (const outage of watched.world.outages) {
    const { usual, expected } = expectedOf(watched, outage)
    const sent = (expected - usual) * (watched.world.mixUps.get(outage.serviceId) ?? 0)
    if (sent < 1) continue
    const service = watched.world.services.find(({ model }) => model.id === outage.serviceId)!
    pairs += service.model.neighbours.filter((id) =>
      watched.world.services.some(({ model }) => model.id === id),
    ).length
  }
  return pairs
}

function isStillBroken(watched: Watched, call: Call, atMs: number): boolean {
  return watched.world.outages.some(
    (outage) =>
      outage.serviceId === call.serviceId &&
      touches(call, outage) &&
      strengthAt(outage.profile, atMs) >= 0.3 &&
      atMs > call.confirmedMs,
  )
}

function describe({ first: outage }: Call): string {
  const cell = [...outage.cells].sort((a, b) => (b.posterior ?? 0) - (a.posterior ?? 0))[0]!
  const said = Object.entries(outage.contributions).map(([kind, value]) => `${kind} ${value.toFixed(1)}`)
  return `${cell.featureId}/${cell.region} ${said.join(', ')}`
}

function judgeRival(watched: Watched, alarms: readonly Alarm[], found: readonly Found[]): RivalJudged {
  const delaysMs = found
    .filter(({ outage, isCovered }) => outage.isMajor && isCovered)
    .map(({ outage }) => {
      const { startMs, endMs } = truthOf(outage)
      const alarm = alarms.find(
        ({ serviceId, fromMs, toMs }) =>
          serviceId === outage.serviceId && fromMs < endMs && (toMs ?? Infinity) > outage.profile[0]![0],
      )
      return alarm === undefined ? null : Math.max(alarm.fromMs - startMs, 0)
    })
  let [falseAlarms, collateral] = [0, 0]
  for (const { serviceId, fromMs, toMs } of alarms) {
    const isTrueAlarm = watched.world.outages.some(
      (outage) =>
        outage.serviceId === serviceId &&
        fromMs <= truthOf(outage).endMs + TRAIL_MS &&
        (toMs ?? Infinity) >= outage.profile[0]![0],
    )
    if (isTrueAlarm) continue
    if (neighbourOutage(watched, serviceId, fromMs) === null) falseAlarms++
    else collateral++
  }
  return { delaysMs, falseAlarms, collateral }
}
