/** When a lane may send, and to whom: what a mail server, or a host of webhooks, can take. */
import type { SendOutcome } from './senders.ts'
import type { Channel } from './subscriptions.ts'

export interface Addressee {
  readonly channel: Channel
  readonly address: string
}

export interface Gate {
  /** Whose pace counts: the mail server's, or the host's. */
  keyOf(addressee: Addressee): string
  /** For how many milliseconds the lane as a whole has to rest; 0: it is open. */
  restMs(): number
  /**
   * 0: go, and `leave` has to follow. More: not before so many milliseconds have passed. Null: not before one of those that
   * went has left.
   */
  enter(key: string): number | null
  /** One is back. Answers what its outcome means, seen beside those of others. */
  leave(input: {
    readonly key: string
    readonly subscriptionId: string
    readonly outcome: SendOutcome
    readonly durationMs: number
  }): SendOutcome
}
