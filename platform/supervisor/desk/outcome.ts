/** What comes of an order: at once, or after something that goes on. */
import type { OrderOutcome } from '../../../contract/operations.ts'

export interface Carried {
  readonly outcome: OrderOutcome
  /** How it ended; null: it has ended already. */
  readonly ended: Promise<OrderOutcome> | null
}

/** It has been done. */
export const done = (detail: string): Carried => ({ outcome: { state: 'done', detail }, ended: null })
/** Nothing was changed; the detail says why, and what to do. */
export const refused = (detail: string): Carried => ({ outcome: { state: 'refused', detail }, ended: null })
/** It goes on; `ended` says how it comes out. */
export const begun = (detail: string, ended: Promise<OrderOutcome>): Carried => ({
  outcome: { state: 'begun', detail },
  ended,
})
/** What it began did not come to its end. */
export const failed = (detail: string): OrderOutcome => ({ state: 'failed', detail })
