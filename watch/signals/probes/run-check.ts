/** Runs the check that a monitor asks for, and tells the target's faults from our own. */
import { isIP } from 'node:net'
import type { Clock } from '../../../kit/clock.ts'
import { isPublicAddress } from '../../../kit/network/public-address.ts'
import type { Monitor } from '../../configuration/index.ts'
import { checkDns } from './check-dns.ts'
import { checkHttp } from './check-http.ts'
import { checkIcmp } from './check-icmp.ts'
import { ownFault, type CheckLimits, type CheckResult } from './check-result.ts'
import { checkTcp } from './check-tcp.ts'
import { checkTls } from './check-tls.ts'
import type { Connectivity } from './connectivity.ts'
import type { StallWatch } from './stall-watch.ts'

/** A check by type of monitor; each ends by its own time-out, and none throws. */
export type CheckRunners = {
  readonly [T in Monitor['type']]?: (
    monitor: Extract<Monitor, { type: T }>,
    context: CheckContext,
  ) => Promise<CheckResult>
}

export interface CheckContext {
  readonly serviceId: string
  readonly signal: AbortSignal
}

export interface CheckTools {
  readonly clock: Clock
  readonly connectivity: Connectivity
  readonly stalls: StallWatch
  readonly runners: CheckRunners
}

/** A standstill of this process that may have made a check late. */
const STALL_EXCUSES_MS = 750
/** Failures that a lost connection of our own looks like. */
const NETWORK_FAILURES = new Set([
  'dns-no-answer',
  'dns-wrong-answer',
  'connect',
  'refused',
  'tls',
  'timeout',
  'unanswered',
])

/** All checks but journeys, which need an account of their own. */
export function createNetworkRunners(clock: Clock, limits: CheckLimits = {}): CheckRunners {
  const limited = <M extends Monitor>(monitor: M): M =>
    limits.allowPrivate === false ? { ...monitor, allowPrivate: false } : monitor
  return {
    http: (monitor, { signal }) => checkHttp(monitor, signal, limits),
    tcp: (monitor, { signal }) => checkTcp(limited(monitor), signal),
    tls: (monitor, { signal }) => checkTls(limited(monitor), signal, clock.now().getTime()),
    dns: (monitor) => checkDns(monitor, limits),
    icmp: (monitor, { signal }) => checkIcmp(limited(monitor), signal),
  }
}

/** Runs one check. Never throws. */
export async function runCheck(
  monitor: Monitor,
  context: CheckContext,
  tools: CheckTools,
): Promise<CheckResult> {
  const startedMs = tools.clock.monotonicMs()
  const run = tools.runners[monitor.type] as
    | ((monitor: Monitor, context: CheckContext) => Promise<CheckResult>)
    | undefined
  if (!run) return ownFault(`Checks of the type ${monitor.type} can not be made from here.`)
  let result: CheckResult
  try {
    result = await run(monitor, context)
  } catch (error) {
    return ownFault(`The check broke: ${(error as Error).message}`)
  }
  const isAway = isBeyondThisMachine(monitor)
  if (result.outcome === 'ok') {
    if (isAway) tools.connectivity.noteSuccess()
    return result
  }
  if (
    result.outcome === 'failed' &&
    tools.stalls.longestSinceMs(startedMs) > STALL_EXCUSES_MS &&
    isByTime(result)
  )
    return ownFault('The watch itself stood still during the check.')
  const isSuspect =
    result.outcome === 'error' || (result.failure !== null && NETWORK_FAILURES.has(result.failure))
  if (isAway && isSuspect && !(await tools.connectivity.isOnline()))
    return { ...result, outcome: 'blind', failure: null, detail: 'This place has no connection of its own.' }
  return result
}

const BY_TIME = new Set(['timeout', 'unanswered', 'assertion'])
const isByTime = ({ failure }: CheckResult): boolean => BY_TIME.has(failure ?? '')

/** Only what lies beyond this machine and its private networks needs a connection of our own. */
function isBeyondThisMachine(monitor: Monitor): boolean {
  if (monitor.type === 'dns') return true
  const host = 'url' in monitor ? new URL(monitor.url).hostname.replace(/^\[(.*)\]$/, '$1') : monitor.host
  if (/(?:^|\.)localhost$/i.test(host)) return false
  return isIP(host) === 0 ? !monitor.allowPrivate : isPublicAddress(host)
}
