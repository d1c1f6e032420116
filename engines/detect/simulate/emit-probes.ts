/** Monitors at vantage points, each on its own beat; what goes wrong on the way to the target included. */
import type { ProbeSample, Sample } from '../types.ts'
import type { LiveService } from './emit.ts'
import type { Random } from './random.ts'
import { BIN_MS, type SimulatedService, type SimulatedVantage, type World } from './world.ts'

const TIMEOUT_MS = 10_000
const RECHECK_MS = 15_000
const RECHECKS_TO = 3
/** A hiccup on the way is often still there when one looks again. */
const HICCUP_LASTS = 0.3
const SLOW_FAILURES: ReadonlySet<string> = new Set(['timeout', 'dns-no-answer'])

export interface ScheduledCheck {
  readonly featureId: string
  readonly row: number
  readonly vantage: SimulatedVantage
  readonly column: number
  readonly phaseMs: number
  readonly usualMs: number
  /** After a failure it looks again soon, until it has failed three times. */
  recheckMs: number | null
  failed: number
}

export function schedule(service: SimulatedService, random: Random): ScheduledCheck[] {
  return service.probedFeatures.flatMap((featureId) =>
    service.vantages.map((vantage) => ({
      featureId,
      row: service.model.features.findIndex(({ id }) => id === featureId),
      vantage,
      column: vantage.region === null ? -1 : service.model.regions.indexOf(vantage.region),
      phaseMs: Math.floor(random.uniform() * (service.probeIntervalMs / 1000)) * 1000,
      usualMs: random.logNormal(180, 0.5),
      recheckMs: null,
      failed: 0,
    })),
  )
}

export function emitProbes(world: World, live: LiveService, atMs: number, samples: Sample[]): void {
  const { service } = live
  for (const check of live.checks) {
    const sinceMs = (atMs - check.phaseMs) % service.probeIntervalMs
    const dueMs = sinceMs === 0 ? atMs : atMs + service.probeIntervalMs - sinceMs
    const nextMs = Math.min(dueMs, check.recheckMs ?? Infinity)
    if (nextMs >= atMs + BIN_MS) continue
    const sample = runCheck(world, live, check, nextMs)
    check.failed = sample.outcome === 'failed' ? check.failed + 1 : 0
    check.recheckMs = check.failed > 0 && check.failed < RECHECKS_TO ? sample.atMs + RECHECK_MS : null
    // A check that waits for its timeout is told later.
    if ((sample.durationMs ?? 0) >= TIMEOUT_MS) live.pending[0]!.push(sample)
    else samples.push(sample)
  }
}

function runCheck(world: World, live: LiveService, check: ScheduledCheck, atMs: number): ProbeSample {
  const { service, random } = live
  const base = {
    kind: 'probes',
    serviceId: service.model.id,
    monitorId: check.featureId,
    featureIds: [check.featureId],
    vantageId: check.vantage.id,
    region: check.vantage.region,
    asn: check.vantage.asn,
    intervalMs: service.probeIntervalMs,
  } as const
  const noise = world.noises.find(
    ({ serviceId, kind, vantageId, fromMs, toMs }) =>
      serviceId === service.model.id &&
      (kind === 'intake' || ((kind === 'blind' || kind === 'vantage') && vantageId === check.vantage.id)) &&
      atMs >= fromMs &&
      atMs < toMs,
  )
  if (noise !== undefined && noise.kind !== 'vantage')
    return { ...base, atMs, outcome: 'blind', failure: null, durationMs: null }
  const slow = live.active.reduce(
    (most, { outage, strength }) => Math.max(most, 1 + (outage.slowFactor - 1) * Math.min(2 * strength, 1)),
    1,
  )
  const durationMs = check.usualMs * slow * Math.exp(0.2 * random.normal())
  const failure =
    noise !== undefined ? random.pick(['connect', 'timeout'] as const) : failureOf(world, live, check)
  if (failure === null) return { ...base, atMs, outcome: 'ok', failure: null, durationMs }
  const lastsMs = SLOW_FAILURES.has(failure) ? TIMEOUT_MS : Math.min(durationMs, TIMEOUT_MS - 1)
  return { ...base, atMs: atMs + lastsMs, outcome: 'failed', failure, durationMs: lastsMs }
}

function failureOf(world: World, live: LiveService, check: ScheduledCheck): ProbeSample['failure'] {
  const { random } = live
  for (const { outage, strength, row, column } of live.active) {
    if (strength === 0 || !row.includes(check.row)) continue
    if (check.column !== -1 && !column.includes(check.column)) continue
    if (outage.probeAsn !== null && outage.probeAsn !== check.vantage.asn) continue
    if (random.chance(outage.probeFailure * strength)) return random.pickWeighted(outage.failures)
  }
  return random.chance(check.failed === 1 ? HICCUP_LASTS : world.weather.flakyChecks)
    ? random.pick(['timeout', 'connect', 'http-5xx'] as const)
    : null
}
