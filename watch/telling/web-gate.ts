/**
 * The way to hosts of webhooks and push services. Each has its own pace and its own bound; one that keeps failing rests alone,
 * and those that fail or are slow share a few places, so that they keep nobody else waiting.
 */
import type { Clock } from '../../kit/clock.ts'
import { createRateBucket } from '../../kit/bounded/rate-bucket.ts'
import type { Addressee, Gate } from './gate.ts'

/** One receiver's host: its own limits are lower than what we could send. */
const ORDINARY = { atOnce: 6, burst: 50 }
/** Made to be told by many at once. */
const PUSH_SERVICE = { atOnce: 32, burst: 500 }
const PUSH_SERVICES =
  /(^|\.)(fcm\.googleapis\.com|push\.services\.mozilla\.com|notify\.windows\.com|web\.push\.apple\.com)$/
const REFILL_MS = 1_000
/** All hosts together that failed or were slow the last time. */
const SUSPECTS_AT_ONCE = 16
/** Those and all that have not taken anything yet: the rest of the 64 places is for hosts that do. */
const UNPROVEN_AT_ONCE = 48
/** One such host: whoever wants more places with us has to take something first. */
const FIRST_AT_ONCE = 2
const SLOW_MS = 2_000
/** Failures in a row, of whichever of its addresses, after which a host rests. */
const FAILURES_BEFORE_REST = 3
const FIRST_REST_MS = 10_000
const LONGEST_REST_MS = 300_000
const HOSTS_MAX = 20_000

interface Host {
  active: number
  /** Of those, how many went while it was a suspect, and while it was not proven. */
  asSuspect: number
  asUnproven: number
  failures: number
  restUntilMs: number
  isSlow: boolean
  /** It took something, soon, the last time. */
  isProven: boolean
}

/** Begins with a good opinion of everybody. */
export function createWebGate({ clock }: { readonly clock: Clock }): Gate {
  const hosts = createHosts()
  const limits = { refillMs: REFILL_MS, maxKeys: HOSTS_MAX, clock }
  const ordinary = createRateBucket({ burst: ORDINARY.burst, ...limits })
  const pushServices = createRateBucket({ burst: PUSH_SERVICE.burst, ...limits })
  const isPushService = (key: string) => PUSH_SERVICES.test(key)
  let suspects = 0
  let unproven = 0

  return {
    keyOf,
    restMs: () => 0,
    enter(key) {
      const host = hosts.of(key)
      const restMs = host.restUntilMs - clock.monotonicMs()
      if (restMs > 0) return restMs
      const pace = isPushService(key) ? PUSH_SERVICE : ORDINARY
      if (host.active >= placesOf(host, pace.atOnce)) return null
      if (isSuspect(host) && suspects >= SUSPECTS_AT_ONCE) return null
      if (!host.isProven && unproven >= UNPROVEN_AT_ONCE) return null
      if ((isPushService(key) ? pushServices : ordinary).take(key) > 0) return REFILL_MS
      host.active += 1
      if (isSuspect(host)) {
        host.asSuspect += 1
        suspects += 1
      }
      if (!host.isProven) {
        host.asUnproven += 1
        unproven += 1
      }
      return 0
    },
    leave({ key, outcome, durationMs }) {
      const host = hosts.of(key)
      host.active -= 1
      if (host.asSuspect > 0) {
        host.asSuspect -= 1
        suspects -= 1
      }
      if (host.asUnproven > 0) {
        host.asUnproven -= 1
        unproven -= 1
      }
      judge(host, { hasFailed: outcome.kind === 'retry', durationMs, nowMs: clock.monotonicMs() })
      return outcome
    },
  }
}

/** What is no address, against all that was checked when it came in, must not cost the others theirs: sending it fails alone. */
function keyOf({ channel, address }: Addressee): string {
  try {
    return new URL(channel === 'push' ? (JSON.parse(address) as { endpoint: string }).endpoint : address).host
  } catch {
    return ''
  }
}

function placesOf({ failures, isProven }: Host, most: number): number {
  // After a rest one address tries for all of them.
  if (failures >= FAILURES_BEFORE_REST) return 1
  return isProven ? most : FIRST_AT_ONCE
}

const isSuspect = ({ failures, isSlow }: Host): boolean => failures > 0 || isSlow

/** Hosts that something is known of, in bounded memory. */
function createHosts() {
  const hosts = new Map<string, Host>()
  return {
    of(key: string): Host {
      const known = hosts.get(key)
      if (known) return known
      const host = newHost()
      hosts.set(key, host)
      const oldest = hosts.size > HOSTS_MAX ? hosts.entries().next().value : undefined
      if (oldest && oldest[1].active === 0) hosts.delete(oldest[0])
      return host
    },
  }
}

const newHost = (): Host => ({
  active: 0,
  asSuspect: 0,
  asUnproven: 0,
  failures: 0,
  restUntilMs: 0,
  isSlow: false,
  isProven: false,
})

function judge(
  host: Host,
  {
    hasFailed,
    durationMs,
    nowMs,
  }: { readonly hasFailed: boolean; readonly durationMs: number; readonly nowMs: number },
): void {
  host.isSlow = durationMs > SLOW_MS
  host.isProven = !hasFailed && !host.isSlow
  if (!hasFailed) {
    host.failures = 0
    host.restUntilMs = 0
  } else if (nowMs >= host.restUntilMs) {
    // What was under way when the rest began does not make it longer.
    host.failures += 1
    const beyond = host.failures - FAILURES_BEFORE_REST
    if (beyond >= 0) host.restUntilMs = nowMs + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** beyond)
  }
}
