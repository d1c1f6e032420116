/** Failures: the server's own problem details, and our words for what never reached it. */
import { t } from '#lib/i18n/core.ts'
import type { Problem } from './types.ts'

/** A request that failed, with a problem that a person can read. */
export class ApiError extends Error {
  readonly problem: Problem
  constructor(problem: Problem, options?: ErrorOptions) {
    super(`${problem.code}: ${problem.detail}`, options)
    this.name = 'ApiError'
    this.problem = problem
  }
}

interface LocalProblem {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly next: string
  readonly side: Problem['side']
  readonly status?: number
  readonly isWorkKept?: boolean | null
}

/** A problem of this device or its network, in the shape of the server's. */
export function localProblem(input: LocalProblem): Problem {
  return { type: 'about:blank', status: 0, isWorkKept: null, ...input }
}

export function offlineProblem(): Problem {
  return localProblem({
    code: 'offline',
    side: 'network',
    title: t('problem.offline.title'),
    detail: t('problem.offline.detail'),
    next: t('problem.offline.next'),
  })
}

export function unreachableProblem(): Problem {
  return localProblem({
    code: 'unreachable',
    side: 'network',
    title: t('problem.unreachable.title'),
    detail: t('problem.unreachable.detail'),
    next: t('problem.unreachable.next'),
  })
}

export function timeoutProblem(timeoutMs: number): Problem {
  return localProblem({
    code: 'timeout',
    side: 'network',
    title: t('problem.timeout.title'),
    detail: t('problem.timeout.detail', { n: Math.round(timeoutMs / 1000) }),
    next: t('problem.timeout.next'),
  })
}

/** Whatever was thrown, as a problem: an ApiError's own, else a fault of this app's code. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem
  return localProblem({
    code: 'page-failed',
    side: 'us',
    title: t('problem.pageFailed.title'),
    detail: t('problem.pageFailed.detail', {
      reason: error instanceof Error ? error.message : String(error),
    }),
    next: t('problem.pageFailed.next'),
  })
}

/** Whether trying the same request again later can help. */
export function isTransient(problem: Problem): boolean {
  return problem.side === 'network' || problem.status === 429 || problem.status >= 500
}
