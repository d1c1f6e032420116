/** What a lane has taken from the outbox and not settled yet, in memory. */
import type { DueMessage } from './outbox.ts'

/** What waits for one subscription, in order. */
export interface Parcel {
  readonly subscriptionId: string
  readonly messages: readonly DueMessage[]
}

export interface Hand {
  /** By whose pace counts; those that are being sent are not among them. */
  readonly waiting: Map<string, Parcel[]>
  /** Whether something of the subscription is in hand: the order of its messages is kept by it. */
  has(subscriptionId: string): boolean
  /** How many messages are in hand. */
  count(): number
  put(key: string, parcel: Parcel): void
  /** It is settled, or is to be asked for again. */
  release(parcel: Parcel): void
  /** Releases all that wait. */
  putBack(): void
}

/** Begins empty. */
export function createHand(): Hand {
  const waiting = new Map<string, Parcel[]>()
  const taken = new Set<string>()
  let count = 0

  function release({ subscriptionId, messages }: Parcel): void {
    taken.delete(subscriptionId)
    count -= messages.length
  }
  return {
    waiting,
    has: (subscriptionId) => taken.has(subscriptionId),
    count: () => count,
    put(key, parcel) {
      taken.add(parcel.subscriptionId)
      count += parcel.messages.length
      const parcels = waiting.get(key) ?? []
      waiting.set(key, parcels)
      // Whoever is on call does not wait behind subscribers.
      if (parcel.messages[0]!.notice.kind === 'page') parcels.unshift(parcel)
      else parcels.push(parcel)
    },
    release,
    putBack() {
      for (const parcels of waiting.values()) for (const parcel of parcels) release(parcel)
      waiting.clear()
    },
  }
}
