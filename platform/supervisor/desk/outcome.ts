/** What comes of an order: at once, or after something that goes on. */
import type { OrderOutcome } from '../../../contract/operations.ts'

export interface Carried {
  readonly outcome: OrderOutcome
  /** How it ended; null: it has ended already. */
  readonly ended: Promise<OrderOutcome> | null
}

export const done = (detail: string): Carried => ({ outcome: { state: 'done', detail }, ended: null })
export const refused = (detail: string): Carried => ({ outcome: { state: 'refused', detail }, ended: null })
export const begun = (detail: string, ended: Promise<OrderOutcome>): Carried => ({
  outcome: { state: 'begun', detail },
  ended,
})
export const failed = (detail: string): OrderOutcome => ({ state: 'failed', detail })
