/**
 * What signing in costs somebody at this moment: nothing on a device that the account knows, and more and more for strangers,
 * as guesses at the account, from the network, with the password or in all add up. Pure: time and keys are given.
 *
 * Known devices after OWASP's "device cookies"; spraying is found by a keyed, shortened hash of the password.
 */
import { createCounts, createSpread } from './counts.ts'
import { createFailures, type Alarm, type FailuresState } from './failures.ts'

export { GUESSES_AT_ONCE, GUESSES_PER_DAY_MAX, GUESS_REFILL_MS, takeGuess, type Budget } from './budget.ts'
export { ATTACK_FAILURES, RAISED_FAILURES, type Alarm, type FailuresState } from './failures.ts'

/** Somebody who wants to sign in, by keys that tell nothing to who reads them. */
export interface Attempt {
  readonly account: string
  /** An IPv4 address, or the /64 of an IPv6 one. */
  readonly network: string
  /** The /24 or the /48 around it. */
  readonly prefix: string
  /** Many passwords share one: it can't be found out from it. */
  readonly password: string
  /** The device, if this account was signed in on it; null: a stranger. */
  readonly device: string | null
  /** The account was signed in from this network, with whatever device. */
  readonly isNetworkKnown: boolean
}

export type Reason =
  | 'device-tries'
  | 'account-guesses'
  | 'network-guesses'
  | 'prefix-guesses'
  | 'sprayed-password'
  | 'failures-raised'
  | 'failures-attack'

export interface Cost {
  /** Turned away, however right the password is, for so long; 0: not. */
  readonly refusedMs: number
  /** Proof of work, as a multiple of the least; 0: none. */
  readonly work: number
  /** How long before an answer to the work is taken. */
  readonly delayMs: number
  /** A right password is not enough: a second factor, or a code by mail. */
  readonly mustConfirm: boolean
  /** It counts as a stranger's: it takes of the account's guesses. */
  readonly isStranger: boolean
  readonly reasons: readonly Reason[]
}

export type Outcome = 'right' | 'wrong'

export interface SignInGuard {
  weigh(attempt: Attempt, nowMs: number): Cost
  note(attempt: Attempt, outcome: Outcome, nowMs: number): void
  alarm(nowMs: number): Alarm
  figures(nowMs: number): { readonly failures: number; readonly baseline: number | null }
  /** What outlives the process: the failures in all and their baseline. Keys are not kept. */
  save(): FailuresState
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Wrong passwords on one known device at one account within an hour, before it counts as a stranger's. */
export const DEVICE_TRIES = 15
/** Of one network within an hour: work is asked, then nobody unknown gets through. */
export const NETWORK_WORK = 5
export const NETWORK_REFUSED = 30
/** Of the networks around it: work, then confirmation. */
export const PREFIX_WORK = 20
export const PREFIX_CONFIRM = 100
/** Wrong guesses at one account within a day. */
export const ACCOUNT_WORK = 3
export const ACCOUNT_HARD_WORK = 6
/** One password wrong at so many accounts within a day is being tried at all of them. */
export const SPRAYED_ACCOUNTS = 8
/** An alarm holds on for so long after it was last given. */
export const ALARM_HELD_MS = HOUR_MS / 2
/** One account or network can't raise the alarm alone: of its wrong guesses of a day only so many count in all. */
const COUNTED_OF_ONE = 3

export interface GuardOptions {
  readonly saved?: FailuresState
  /** Of each kind of key. Some 150 bytes each. @default 50000 */
  readonly maxKeys?: number
}

/** Begins with nothing but what was saved. */
export function createSignInGuard({ saved, maxKeys = 50_000 }: GuardOptions = {}): SignInGuard {
  const devices = createCounts({ maxKeys, atMost: 2 * DEVICE_TRIES, fadeMs: 2 * HOUR_MS })
  const accounts = createCounts({ maxKeys, atMost: 20, fadeMs: DAY_MS })
  const networks = createCounts({ maxKeys, atMost: 2 * NETWORK_REFUSED, fadeMs: 2 * HOUR_MS })
  const prefixes = createCounts({ maxKeys, atMost: 2 * PREFIX_CONFIRM, fadeMs: 2 * HOUR_MS })
  const passwords = createSpread({ maxKeys, enough: SPRAYED_ACCOUNTS, forgetMs: DAY_MS })
  const counted = createCounts({ maxKeys: 2 * maxKeys, atMost: 2 * COUNTED_OF_ONE, fadeMs: DAY_MS })
  const failures = createFailures(saved)
  let held: { alarm: Alarm; untilMs: number } = { alarm: 'calm', untilMs: 0 }

  function alarm(nowMs: number): Alarm {
    const now = failures.judge(nowMs)
    const isHolding = nowMs < held.untilMs
    const isWeaker = now === 'calm' || (now === 'raised' && held.alarm === 'attack')
    if (isHolding && isWeaker) return held.alarm
    held = { alarm: now, untilMs: nowMs + ALARM_HELD_MS }
    return now
  }

  function weighStranger(attempt: Attempt, nowMs: number, reasons: Reason[]): Cost {
    const refusedMs = networks.waitMs(attempt.network, NETWORK_REFUSED, nowMs)
    let [work, delayMs, mustConfirm] = [0, 0, false]
    const ask = (reason: Reason, factor: number, isConfirm = false) => {
      reasons.push(reason)
      work = Math.max(work, factor)
      mustConfirm ||= isConfirm
    }
    const guesses = accounts.count(attempt.account, nowMs)
    if (guesses >= ACCOUNT_WORK) ask('account-guesses', guesses >= ACCOUNT_HARD_WORK ? 4 : 1)
    if (guesses >= ACCOUNT_HARD_WORK) delayMs = 5_000
    if (networks.count(attempt.network, nowMs) >= NETWORK_WORK) ask('network-guesses', 1)
    const around = prefixes.count(attempt.prefix, nowMs)
    if (around >= PREFIX_WORK) ask('prefix-guesses', 2, around >= PREFIX_CONFIRM)
    if (passwords.count(attempt.password, nowMs) >= SPRAYED_ACCOUNTS) ask('sprayed-password', 2, true)
    const level = alarm(nowMs)
    if (level === 'raised') ask('failures-raised', 1)
    if (level === 'attack') ask('failures-attack', 2, true)
    // Whoever has the list seldom has the house: from there work is enough.
    if (attempt.isNetworkKnown) mustConfirm = false
    return { refusedMs, work, delayMs, mustConfirm, isStranger: true, reasons }
  }

  return {
    weigh(attempt, nowMs) {
      const reasons: Reason[] = []
      const device = deviceKey(attempt)
      if (device !== null) {
        if (devices.count(device, nowMs) < DEVICE_TRIES)
          return { refusedMs: 0, work: 0, delayMs: 0, mustConfirm: false, isStranger: false, reasons }
        reasons.push('device-tries')
      }
      return weighStranger(attempt, nowMs, reasons)
    },
    note(attempt, outcome, nowMs) {
      const device = deviceKey(attempt)
      if (device !== null) return void (outcome === 'wrong' && devices.add(device, nowMs))
      if (outcome === 'right') return failures.note(true, nowMs)
      accounts.add(attempt.account, nowMs)
      networks.add(attempt.network, nowMs)
      prefixes.add(attempt.prefix, nowMs)
      passwords.add(attempt.password, attempt.account, nowMs)
      // Both are counted, whatever the first says.
      const ofAccount = counted.add(`a ${attempt.account}`, nowMs)
      const ofNetwork = counted.add(`n ${attempt.network}`, nowMs)
      if (Math.max(ofAccount, ofNetwork) <= COUNTED_OF_ONE) failures.note(false, nowMs)
    },
    alarm,
    figures: (nowMs) => failures.figures(nowMs),
    save: () => failures.save(),
  }
}

const deviceKey = ({ account, device }: Attempt): string | null =>
  device === null ? null : `${account} ${device}`
