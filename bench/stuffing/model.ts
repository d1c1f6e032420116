/** A leaked list against `engines/sign-in` alone, in simulated time, beside people who sign in as they always do. */
import { createSignInGuard, takeGuess, type Attempt, type Budget } from '../../engines/sign-in/index.ts'

export interface ModelInput {
  readonly tries: number
  readonly validShare: number
  /** How long the list takes. */
  readonly attackMs: number
  readonly seed: number
}

export interface ModelResult {
  readonly valid: number
  readonly taken: number
  /** Of accounts with neither second factor nor mail. */
  readonly bareValid: number
  readonly bareTaken: number
  readonly signIns: number
  readonly harmed: number
  readonly bareSignIns: number
  readonly bareHarmed: number
  /** People who had to enter a code, and did. */
  readonly confirmed: number
  /** SHA-256 hashes that those who try the list had to make. */
  readonly hashes: number
}

const DAY_MS = 86_400_000
/** Of a site with some 20,000 sign-ins a day, before and during the attack. */
const PEOPLE_PER_DAY = 20_000
const CALM_DAYS = 4
/** Assumed of people: on a new device, in a network of theirs even so, without factor or mail, mistyping once. */
const PEOPLE = { newDevice: 0.03, knownNetwork: 0.6, bare: 0.2, mistyped: 0.06 } as const
/** Half of 60,000 on average: `platform/modules/accounts/sign-in/work.ts`. */
const HASHES_PER_WORK = 30_000

/** Plays it; the same seed gives the same run. */
export function playModel({ tries, validShare, attackMs, seed }: ModelInput): ModelResult {
  const guard = createSignInGuard()
  const random = mulberry32(seed)
  const budgets = new Map<string, Budget>()
  const result = {
    ...{ valid: 0, taken: 0, bareValid: 0, bareTaken: 0, signIns: 0, harmed: 0 },
    ...{ bareSignIns: 0, bareHarmed: 0, confirmed: 0, hashes: 0 },
  }
  /** Whether a right password gets in, and whether a code has to follow. */
  function attempt(input: Attempt, isRight: boolean, nowMs: number): 'in' | 'confirm' | 'out' {
    const cost = guard.weigh(input, nowMs)
    if (input.device === null && input.network.startsWith('bot')) result.hashes += cost.work * HASHES_PER_WORK
    if (cost.refusedMs > 0) return 'out'
    if (cost.isStranger) {
      const { budget, waitMs } = takeGuess(budgets.get(input.account) ?? null, nowMs)
      budgets.set(input.account, isRight ? { ...budget, guesses: budget.guesses + 1 } : budget)
      if (waitMs > 0) return 'out'
    }
    guard.note(input, isRight ? 'right' : 'wrong', nowMs)
    return !isRight ? 'out' : cost.mustConfirm ? 'confirm' : 'in'
  }
  function person(n: number, nowMs: number, isCounted: boolean): void {
    const isNew = random() < PEOPLE.newDevice
    const isBare = random() < PEOPLE.bare
    const input: Attempt = {
      ...{ account: `person ${n % 50_000}`, network: `home ${n}`, prefix: `town ${n % 5_000}` },
      ...{ password: `own ${n % 100_000}`, device: isNew ? null : 'own' },
      isNetworkKnown: random() < PEOPLE.knownNetwork,
    }
    if (random() < PEOPLE.mistyped) attempt(input, false, nowMs)
    const outcome = attempt(input, true, nowMs)
    if (!isCounted) return
    const isHarmed = outcome === 'out' || (outcome === 'confirm' && isBare)
    result.signIns++
    if (isBare) result.bareSignIns++
    if (isHarmed) result.harmed++
    if (isHarmed && isBare) result.bareHarmed++
    if (outcome === 'confirm' && !isBare) result.confirmed++
  }
  function bot(n: number, nowMs: number): void {
    const isValid = random() < validShare
    const isBare = isValid && random() < PEOPLE.bare
    const input: Attempt = {
      ...{ account: `victim ${n}`, network: `bot ${n}`, prefix: `bots ${n}`, password: `leaked ${n}` },
      ...{ device: null, isNetworkKnown: false },
    }
    const isTaken = attempt(input, isValid, nowMs) === 'in' && isValid
    if (isValid) result.valid++
    if (isBare) result.bareValid++
    if (isTaken) result.taken++
    if (isTaken && isBare) result.bareTaken++
  }
  const pauseMs = DAY_MS / PEOPLE_PER_DAY
  const beginsMs = CALM_DAYS * DAY_MS
  let people = 0
  for (; people * pauseMs < beginsMs; people++) person(people, people * pauseMs, false)
  for (let n = 0; n < tries; n++) {
    const nowMs = beginsMs + (n * attackMs) / tries
    for (; people * pauseMs < nowMs; people++) person(people, people * pauseMs, true)
    bot(n, nowMs)
  }
  return result
}

/** A small generator of equal chances (public domain, Tommy Ettinger). */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
