/**
 * Who is let through the public door at all: looked at by address when a connection comes, before a byte is read and
 * before any role has work with it. Operators' blocks, penalties of those who went on after being told, and how often one comes.
 */
import type { Clock } from '../../kit/clock.ts'
import { createRateSketch } from '../../kit/bounded/rate-sketch.ts'
import { createRecentMap } from '../../kit/bounded/recent-map.ts'
import { createNetworkMap, prefixesOf } from '../../kit/network/prefixes.ts'
import { HOMES, STANDING_MS, type LineStanding, type Standing } from '../app/abuse/standings.ts'
import type { AbuseConfig } from '../app/config.ts'

export interface LinePenalty {
  /** An address, or the /64 that it lies in. */
  readonly line: string
  readonly forMs: number
}

export interface Doorkeeper {
  /** Whether a connection from there is taken. */
  admits(address: string | undefined): boolean
  /** All that is blocked from here on. */
  setBlocks(networks: readonly string[]): void
  noteStandings(standings: readonly LineStanding[]): void
  /** Known: somebody who is came from there within a day, or it is what the machine itself needs. */
  standingOf(address: string | undefined): Standing
  penalise(penalties: readonly LinePenalty[]): void
  /** False: nothing of it was penalised. */
  lift(line: string): boolean
  /** Whether blocking this would shut out the machine itself, or the proxies that people come through. */
  isNeeded(network: string): boolean
  readonly refusedCount: number
}

export interface DoorkeeperOptions {
  readonly abuse: AbuseConfig
  readonly trustedProxies: readonly string[]
  readonly clock: Clock
  readonly seed: number
}

/** For one request a browser may need a connection, and another in reserve. */
const CONNECTIONS_PER_REQUEST = 2
const BURST_S = 10
const PENALTIES_MAX = 65_536
const NETWORK_COLUMNS = 16_384
const HOMES_MAX = 65_536

/** Begins with nobody kept out. Takes some 50 MB at the most, whoever comes. */
export function createDoorkeeper({ abuse, trustedProxies, clock, seed }: DoorkeeperOptions): Doorkeeper {
  const bucketOf = (perS: number, columns: number) => {
    const burst = perS * CONNECTIONS_PER_REQUEST * BURST_S
    return createRateSketch({ burst, refillMs: BURST_S * 1_000, columns, clock, seed })
  }
  const byLine = bucketOf(abuse.rates.addressPerS, PENALTIES_MAX)
  const bySite = bucketOf(abuse.rates.networkPerS, NETWORK_COLUMNS)
  const penalties = createRecentMap<string, number>(PENALTIES_MAX)
  const homes = {
    known: createRecentMap<string, number>(HOMES_MAX),
    proven: createRecentMap<string, number>(HOMES_MAX),
  }
  const needed = createNetworkMap<true>()
  const neededNetworks = [...abuse.exempt, ...trustedProxies.flatMap((proxy) => NAMED[proxy] ?? [proxy])]
  for (const network of neededNetworks) needed.set(network, true)
  let blocks = createNetworkMap<true>()
  let refusedCount = 0

  function admits(address: string): boolean {
    if (needed.find(address)) return true
    if (blocks.find(address)) return false
    if (!abuse.isOn) return true
    const { line, site } = prefixesOf(address)
    if (penalties.size > 0) {
      const untilMs = penalties.get(line)
      if (untilMs !== undefined && untilMs > clock.monotonicMs()) return false
    }
    return byLine.take(line) === 0 && bySite.take(site) === 0
  }

  return {
    admits(address) {
      // It has gone already: whoever it is given to finds that out.
      if (address === undefined || admits(address)) return true
      refusedCount += 1
      return false
    },
    setBlocks(networks) {
      const next = createNetworkMap<true>()
      for (const network of networks) next.set(network, true)
      blocks = next
    },
    noteStandings(standings) {
      const nowMs = clock.monotonicMs()
      for (const { line, standing } of standings) homes[standing].set(line, nowMs + STANDING_MS[standing])
    },
    standingOf(address) {
      if (address === undefined) return 'stranger'
      if (needed.find(address)) return 'known'
      const { line } = prefixesOf(address)
      const nowMs = clock.monotonicMs()
      return HOMES.find((standing) => (homes[standing].get(line) ?? 0) > nowMs) ?? 'stranger'
    },
    penalise(added) {
      const nowMs = clock.monotonicMs()
      for (const { line, forMs } of added) penalties.set(line, nowMs + forMs)
    },
    lift(line) {
      const was = (penalties.get(line) ?? 0) > clock.monotonicMs()
      penalties.delete(line)
      return was
    },
    isNeeded(network) {
      if (needed.find(network.split('/')[0]!)) return true
      const covered = createNetworkMap<true>()
      covered.set(network, true)
      return neededNetworks.some((each) => covered.find(each.split('/')[0]!))
    },
    get refusedCount() {
      return refusedCount
    },
  }
}

/** What proxy-addr's names stand for. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}
