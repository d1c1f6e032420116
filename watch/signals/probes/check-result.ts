/** What one check of one monitor came to. */
import type { ProbeFailure } from '../../../engines/detect/types.ts'

export interface CheckResult {
  /** `blind`: this place has no connection; `error`: our own fault. Neither says anything of the target. */
  readonly outcome: 'ok' | 'failed' | 'blind' | 'error'
  readonly failure: ProbeFailure | null
  /** For operators: what was seen, in one sentence without secrets. */
  readonly detail: string
  /** Null when nothing was measured. */
  readonly durationMs: number | null
  /** Milliseconds by the name of the phase or step. */
  readonly phases: Readonly<Record<string, number>>
}

/** What a place's own operator does not let checks do, whatever their monitors say. */
export interface CheckLimits {
  /** Whether targets may lie in private ranges, where the monitor allows it, too. @default true */
  readonly allowPrivate?: boolean
}

type Rest = Partial<Pick<CheckResult, 'durationMs' | 'phases'>>

export const passed = (rest: Rest = {}): CheckResult => ({
  outcome: 'ok',
  failure: null,
  detail: '',
  durationMs: null,
  phases: {},
  ...rest,
})

export const failedBy = (failure: ProbeFailure, detail: string, rest: Rest = {}): CheckResult => ({
  outcome: 'failed',
  failure,
  detail: detail.slice(0, DETAIL_MAX_LENGTH),
  durationMs: null,
  phases: {},
  ...rest,
})

/** How a connection failed that was not made: a host that refuses it was reached. */
export const connectFailureOf = (error: unknown): 'refused' | 'connect' =>
  codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'connect'

/** Of several addresses that were tried, the first one's error speaks. */
const codeOf = (error: unknown): unknown =>
  (error as { errors?: readonly { code?: unknown }[] } | null)?.errors?.[0]?.code ??
  (error as { code?: unknown } | null)?.code

/** How nothing came in time: a target to which the connection was made is reached, and silent. */
export const lateFailureOf = (phases: {
  readonly connectMs?: number | undefined
  readonly firstByteMs?: number | undefined
}): 'timeout' | 'unanswered' =>
  phases.connectMs !== undefined && phases.firstByteMs === undefined ? 'unanswered' : 'timeout'

/** The check itself could not be made, for reasons of ours. */
export const ownFault = (detail: string): CheckResult => ({
  outcome: 'error',
  failure: null,
  detail: detail.slice(0, DETAIL_MAX_LENGTH),
  durationMs: null,
  phases: {},
})

const DETAIL_MAX_LENGTH = 500

/** Phases to tenths of a millisecond, without those that were not reached. */
export function roundPhases(phases: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(phases).flatMap(([name, ms]) =>
      ms === undefined ? [] : [[name, Math.round(ms * 10) / 10]],
    ),
  )
}
