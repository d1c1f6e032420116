/**
 * The way to our own mail server. What it refuses to us, rather than to a receiver, closes it for all mail: after a pause one
 * mail tries, and the others follow when it went. The operator is told what to do.
 */
import type { Clock } from '../../kit/clock.ts'
import type { Troubles } from '../app/troubles.ts'
import type { Gate } from './gate.ts'
import { SMTP_CONNECTIONS } from './send-mail.ts'
import { withoutAddresses } from './smtp-refusal.ts'

export const EMAIL_TROUBLE = 'email'
/** Enough that no connection waits for us, and as few as one while the server takes no more. */
const AT_ONCE = SMTP_CONNECTIONS + 4
/** What a mail that went gives back of the places that a refusal took. */
const PLACES_A_SUCCESS = 0.1
/** While some go and some do not, the trouble stays in sight. */
const CALM_MS = 5_000
/** So many different receivers in a row, all refused for what may be our fault, and none taken: it is our fault. */
const UNCLEAR_MAX = 3
const FIRST_REST_MS = 10_000
const LONGEST_REST_MS = 600_000

/** Begins open. */
export function createMailGate({
  clock,
  troubles,
}: {
  readonly clock: Clock
  readonly troubles: Troubles
}): Gate {
  let active = 0
  let rests = 0
  let restUntilMs = 0
  let places = AT_ONCE
  let failedAtMs = Number.NEGATIVE_INFINITY
  const unclear = new Set<string>()

  const restMs = () => Math.max(0, restUntilMs - clock.monotonicMs())

  function close(error: string, remedy: string): void {
    // Those that were under way together say the same, and count once.
    failedAtMs = clock.monotonicMs()
    if (restMs() === 0) {
      // It may be that it takes so many connections and no more.
      places = Math.max(1, places / 2)
      restUntilMs = clock.monotonicMs() + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** rests)
      rests += 1
    }
    troubles.raise({ id: EMAIL_TROUBLE, what: `E-mail does not go out. ${withoutAddresses(error)}`, remedy })
  }

  function open(): void {
    rests = 0
    restUntilMs = 0
    unclear.clear()
    places = Math.min(AT_ONCE, places + PLACES_A_SUCCESS)
    if (clock.monotonicMs() - failedAtMs >= CALM_MS) troubles.end(EMAIL_TROUBLE)
  }

  return {
    keyOf: () => '',
    restMs,
    enter() {
      if (restMs() > 0) return restMs()
      if (active >= (rests > 0 ? 1 : Math.floor(places))) return null
      active += 1
      return 0
    },
    leave({ subscriptionId, outcome }) {
      active -= 1
      switch (outcome.kind) {
        case 'sent':
        case 'impossible':
          // A verdict on one receiver is one that the server let us come to.
          open()
          return outcome
        case 'ours':
          close(outcome.error, outcome.remedy)
          return outcome
        case 'retry': {
          const { error, remedyIfMany } = outcome
          if (remedyIfMany === undefined) return outcome
          unclear.add(subscriptionId)
          if (unclear.size < UNCLEAR_MAX) return outcome
          close(error, remedyIfMany)
          return { kind: 'ours', error, remedy: remedyIfMany }
        }
        case 'gone':
          return outcome
      }
    },
  }
}
