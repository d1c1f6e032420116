/**
 * Who may ask how often, by address, by network and by person, and who has gone on asking after being told: for any number
 * of sources in memory of fixed size. Decides; answers nobody.
 */
import type { Clock } from '../../../kit/clock.ts'
import { createFadingCounts } from '../../../kit/bounded/fading-counts.ts'
import { createHeavyHitters, type HeavyHitter } from '../../../kit/bounded/heavy-hitters.ts'
import { createRateSketch, type RateSketch } from '../../../kit/bounded/rate-sketch.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { Prefixes } from '../../../kit/network/prefixes.ts'
import { STANDING_MS, type Home } from './standings.ts'

/** Requests a second that go on for long; ten times as many may come at once. */
export interface Rates {
  readonly addressPerS: number
  readonly networkPerS: number
  readonly personPerS: number
}

export interface Asker extends Prefixes {
  /** By what we have signed: an account by its session, or a device that has had one. Null: a stranger. */
  readonly person: string | null
  /** The id of a proof of work that is still good; null: none, or somebody known. */
  readonly pass: string | null
}

/** What a stranger asks for: while a proof of work is wanted, only what is open is given without. */
export type Wanted = 'open' | 'gated'

/**
 * `person`, `address`, `network` – it asks more often than that may;
 * `proof` – strangers have to prove work just now;
 * `penalty` – it went on after being told.
 */
export type Reason = 'person' | 'address' | 'network' | 'proof' | 'penalty'
export const REASONS: readonly Reason[] = ['person', 'address', 'network', 'proof', 'penalty']

export interface Refused {
  readonly reason: Reason
  readonly waitMs: number
}

export interface Penalty {
  readonly line: string
  readonly untilMs: number
  /** How many in a row. */
  readonly times: number
}

export interface AbuseLimits {
  /** Null: it may go on. */
  judge(asker: Asker, wanted: Wanted): Refused | null
  /** Whether a stranger has shown a proof that is good where it comes from; to be asked after `judge`. */
  isProven(asker: Asker): boolean
  /** While it is true, strangers without a proof are given only what is open. */
  isProofWanted: boolean
  readonly refused: Readonly<Record<Reason, number>>
  /** Whether someone known to us came from there within a day: then nobody there is turned away unheard. */
  isHomeOfKnown(line: string): boolean
  penaltyOf(line: string): Penalty | null
  lift(line: string): boolean
  /** In force, those that came last first. */
  penalties(count: number): readonly Penalty[]
  /** Lines that were refused most. */
  worst(count: number): readonly HeavyHitter[]
  /** All that it will ever take, penalties counted as full. */
  readonly sizeBytes: number
}

export interface AbuseLimitsOptions {
  readonly rates: Rates
  readonly clock: Clock
  readonly seed: number
  /** A line begins to be penalised. */
  readonly onPenalty?: (penalty: Penalty) => void
  /**
   * Somebody known comes from a line, or somebody who has proved work: the first time, and again whenever half of the time
   * is over for which that is remembered (a day; as long as a proof is good).
   */
  readonly onStanding?: (line: string, standing: Home) => void
}

const BURST_S = 10
/** So many refusals in a minute are anybody's: a page that reloads, an app of before. Who goes on is penalised. */
const OFFENCES_MAX = 60
const OFFENCES_REFILL_MS = 60_000
/** Doubled with each that follows within an hour of the one before. */
const PENALTY_MS = 60_000
const PENALTY_MAX_MS = 600_000
const FORGIVEN_AFTER_MS = 3_600_000
const PENALTIES_MAX = 65_536
/** An entry of a map with its text, rounded up; measured at 168. */
const PENALTY_BYTES = 224
const HOMES = 65_536
const HOME_BYTES = 16
const HITTERS = 256
const NETWORK_COLUMNS = 16_384
/**
 * For so many lines one person speaks in a day, and one proof in its time: more than phones change theirs, and too few to
 * make a crowd of senders known by one cookie.
 */
const LINES_MAX: Readonly<Record<Home, number>> = { known: 16, proven: 8 }
const VOUCHER_COLUMNS = 16_384

/** Begins with nobody known and nobody refused. A verdict costs a few microseconds. */
export function createAbuseLimits({
  rates,
  clock,
  seed,
  onPenalty,
  onStanding,
}: AbuseLimitsOptions): AbuseLimits {
  const bucketOf = (perS: number, columns?: number): RateSketch =>
    createRateSketch({
      ...{ burst: Math.max(1, perS * BURST_S), refillMs: BURST_S * 1_000, clock, seed },
      ...(columns && { columns }),
    })
  const byPerson = bucketOf(rates.personPerS)
  const byLine = bucketOf(rates.addressPerS)
  const bySite = bucketOf(rates.networkPerS, NETWORK_COLUMNS)
  const offences = createRateSketch({ burst: OFFENCES_MAX, refillMs: OFFENCES_REFILL_MS, clock, seed })
  const homes = createFadingCounts({ clock, windowMs: STANDING_MS.known, maxKeys: HOMES, seed })
  const worst = createHeavyHitters({ maxKeys: HITTERS, memoryMs: OFFENCES_REFILL_MS, clock })
  const penalties = createRecentMap<string, Penalty>(PENALTIES_MAX)
  const refused: Record<Reason, number> = { person: 0, address: 0, network: 0, proof: 0, penalty: 0 }

  const told = {
    known: createFadingCounts({ clock, windowMs: STANDING_MS.known / 2, maxKeys: HOMES, seed }),
    proven: createFadingCounts({ clock, windowMs: STANDING_MS.proven / 2, maxKeys: HOMES, seed }),
  }
  const spokenFor = (standing: Home): RateSketch =>
    createRateSketch({
      ...{ burst: LINES_MAX[standing], refillMs: STANDING_MS[standing], columns: VOUCHER_COLUMNS },
      ...{ clock, seed },
    })
  const vouchers = { known: spokenFor('known'), proven: spokenFor('proven') }
  /** Whether the line is one of those that they may speak for, or somebody else has spoken for it. */
  const vouch = (line: string, standing: Home, who: string): boolean => {
    if (told[standing].count(line) > 0) return true
    if (vouchers[standing].take(who) > 0) return false
    told[standing].add(line)
    onStanding?.(line, standing)
    return true
  }

  const penaltyOf = (line: string): Penalty | null => {
    const penalty = penalties.get(line)
    return penalty && penalty.untilMs > clock.monotonicMs() ? penalty : null
  }

  function penalise(line: string): void {
    const nowMs = clock.monotonicMs()
    const before = penalties.get(line)
    const isRepeated = before !== undefined && nowMs - before.untilMs < FORGIVEN_AFTER_MS
    const times = isRepeated ? before.times + 1 : 1
    const penalty = { line, times, untilMs: nowMs + Math.min(PENALTY_MS * 2 ** (times - 1), PENALTY_MAX_MS) }
    penalties.set(line, penalty)
    onPenalty?.(penalty)
  }

  function refuse(asker: Asker, reason: Reason, waitMs: number): Refused {
    refused[reason]++
    if (asker.person === null) {
      worst.add(asker.line)
      if (reason !== 'penalty' && offences.take(asker.line) > 0) penalise(asker.line)
    }
    return { reason, waitMs }
  }

  const limits: AbuseLimits = {
    isProofWanted: false,
    refused,
    judge(asker, wanted) {
      if (asker.person !== null) {
        const waitMs = byPerson.take(asker.person)
        if (waitMs > 0) return refuse(asker, 'person', waitMs)
        if (vouch(asker.line, 'known', asker.person)) homes.add(asker.line)
        return null
      }
      if (penalties.size > 0) {
        const penalty = penaltyOf(asker.line)
        if (penalty) return refuse(asker, 'penalty', penalty.untilMs - clock.monotonicMs())
      }
      const lineWaitMs = byLine.take(asker.line)
      if (lineWaitMs > 0) return refuse(asker, 'address', lineWaitMs)
      const siteWaitMs = bySite.take(asker.site)
      if (siteWaitMs > 0) return refuse(asker, 'network', siteWaitMs)
      const isProven = asker.pass !== null && vouch(asker.line, 'proven', asker.pass)
      const isProofMissing = limits.isProofWanted && !isProven && wanted === 'gated'
      return isProofMissing ? refuse(asker, 'proof', 0) : null
    },
    isProven: ({ line, pass }) => pass !== null && told.proven.count(line) > 0,
    isHomeOfKnown: (line) => homes.count(line) > 0,
    penaltyOf,
    lift(line) {
      const was = penaltyOf(line) !== null
      penalties.delete(line)
      return was
    },
    penalties(count) {
      const nowMs = clock.monotonicMs()
      return [...penalties.values()]
        .filter(({ untilMs }) => untilMs > nowMs)
        .slice(-count)
        .toReversed()
    },
    worst: (count) => worst.top(count),
    sizeBytes:
      [byPerson, byLine, bySite, offences, vouchers.known, vouchers.proven].reduce(
        (sum, { sizeBytes }) => sum + sizeBytes,
        0,
      ) +
      PENALTIES_MAX * PENALTY_BYTES +
      3 * HOMES * HOME_BYTES +
      HITTERS * PENALTY_BYTES,
  }
  return limits
}
