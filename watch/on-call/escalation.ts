/** What happens next to a page: who is told now, until when to wait, when nobody has answered. Pure. */
import type { EscalationStep } from '../configuration/index.ts'
import { IMPACTS, type Impact } from '../incidents/index.ts'

export const PAGE_STATES = ['paging', 'acknowledged', 'unanswered', 'over'] as const
export type PageState = (typeof PAGE_STATES)[number]

/** A page as far as escalation needs it. */
export interface Escalating {
  readonly state: PageState
  /** Steps that were taken, those of all rounds. */
  readonly stepsTaken: number
  /** When the next one is due. */
  readonly dueAtMs: number
}

export interface Policy {
  readonly escalation: readonly EscalationStep[]
  /** How often the steps are gone through again. */
  readonly repeats: number
}

export type NextStep =
  /** It was answered, or is over. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | {
      readonly kind: 'tell'
      /** From 0, over all rounds. */
      readonly step: number
      readonly round: number
      readonly to: readonly string[]
      readonly waitMs: number
    }
  /** All steps of all rounds were taken. */
  | { readonly kind: 'give-up' }

/**
 * The next step. A watch that was away takes one step when it is back, not all that it missed: the people behind it had no
 * time to answer.
 */
export function nextStep(page: Escalating, policy: Policy, nowMs: number): NextStep {
  if (page.state !== 'paging') return { kind: 'nothing' }
  if (nowMs < page.dueAtMs) return { kind: 'wait', untilMs: page.dueAtMs }
  const { length } = policy.escalation
  if (page.stepsTaken >= length * (policy.repeats + 1)) return { kind: 'give-up' }
  const { to, waitMinutes } = policy.escalation[page.stepsTaken % length]!
  return {
    kind: 'tell',
    step: page.stepsTaken,
    round: Math.floor(page.stepsTaken / length),
    to,
    waitMs: waitMinutes * 60_000,
  }
}

/** What an outage is, as far as paging asks. */
export interface Pageable {
  readonly isConfirmed: boolean
  readonly isOver: boolean
  readonly impact: Impact
  readonly relapses: number
}

/**
 * Whether to page (again): once for a confirmed outage that is severe enough, and anew when it was over, or was answered
 * and has come back since.
 */
export function needsPage(
  outage: Pageable,
  last: { readonly state: PageState; readonly relapses: number } | null,
  pageFrom: Pageable['impact'],
): boolean {
  if (!outage.isConfirmed || outage.isOver) return false
  if (IMPACTS.indexOf(outage.impact) < IMPACTS.indexOf(pageFrom)) return false
  if (last === null || last.state === 'over') return true
  return last.state !== 'paging' && outage.relapses > last.relapses
}
