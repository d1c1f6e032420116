/** The link that makes the operator's account, on its way to the person who started this. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../kit/log.ts'
import type { FromRole } from '../supervisor/index.ts'

const PAUSE_MS = 2_000

/**
 * Tells the link, or that there is none to be made.
 *
 * It is asked for once, at the end of a start, when the machine is at its busiest: without it nobody operates the instance,
 * so that it is tried again until it is there.
 */
export async function tellOperatorLink(
  log: Log,
  issue: () => Promise<string | null>,
  send: (message: FromRole) => boolean,
  { pauseMs = PAUSE_MS }: { readonly pauseMs?: number } = {},
): Promise<void> {
  for (;;) {
    try {
      send({ type: 'operator-link', path: await issue() })
      return
    } catch (error) {
      log.warn({ err: error }, 'operator-link.failed')
    }
    // The process must not stay for it.
    await sleep(pauseMs, undefined, { ref: false })
  }
}
