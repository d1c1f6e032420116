/**
 * When strangers have to prove work: while people are turned away for want of capacity, and after that for as long as so
 * many go on without a proof that it would begin anew. Never else.
 */
import type { Clock } from '../../../kit/clock.ts'

export interface PressureSigns {
  /** The level that this process's own load asks for. */
  readonly level: number
  /** Requests that admission turned away since the start, but for those who brought it upon themselves. */
  readonly refusedBusy: number
  /** The longest that a connection has waited to be taken, since the last look. */
  readonly connectionWaitMs: number
  /** Strangers who were asked for a proof since the start. */
  readonly refusedProof: number
}

/** It was not asked for, for so long, before it is asked for no longer: no page is asked twice in one visit. */
const CALM_MS = 30_000
/** A second. Fewer refusals by admission are chance: a garbage collection, say. */
const BUSY_PER_S = 5
/** What a garbage collection may take; */
const LATE_FROM_MS = 250
/** this often in a row, it is a crowd at the door: by itself it takes a thread's whole time before admission has seen any of it. */
const LATE_LOOKS = 4
/** A second. With so many at the door who would not prove anything, opening it would only begin it all again. */
const UNPROVEN_PER_S = 20

export interface PressureGate {
  /** Whether a proof is wanted now. Called a few times a second. */
  look(signs: PressureSigns): boolean
  /** Since when it has been; null: it is not. By the wall clock. */
  readonly since: Date | null
}

/** Begins with none wanted. */
export function createPressureGate(clock: Clock): PressureGate {
  let before: (PressureSigns & { readonly atMs: number }) | null = null
  let untilMs = -Infinity
  let since: Date | null = null
  let lateLooks = 0
  return {
    get since() {
      return since
    },
    look(signs) {
      const nowMs = clock.monotonicMs()
      const seconds = before ? (nowMs - before.atMs) / 1_000 : 0
      const perS = (name: 'refusedBusy' | 'refusedProof') =>
        before && seconds > 0 ? (signs[name] - before[name]) / seconds : 0
      lateLooks = signs.connectionWaitMs >= LATE_FROM_MS ? lateLooks + 1 : 0
      const isBusy = signs.level > 0 || perS('refusedBusy') >= BUSY_PER_S || lateLooks >= LATE_LOOKS
      const isFlooded = since !== null && perS('refusedProof') >= UNPROVEN_PER_S
      if (isBusy || isFlooded) untilMs = nowMs + CALM_MS
      if (nowMs >= untilMs) since = null
      else since ??= clock.now()
      before = { ...signs, atMs: nowMs }
      return since !== null
    },
  }
}
