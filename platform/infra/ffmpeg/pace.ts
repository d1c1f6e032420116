/** Lets a process group run for a part of the time only, by stopping and continuing it: no privilege is needed for that. */
import { sendSignal } from '../../../kit/processes.ts'

/** What is running is stopped and continued within this: short enough for a pipe's reader not to notice. */
const PERIOD_MS = 500

/**
 * Paces a process group until disposal; then it runs freely again.
 *
 * @param shareNow from 0 (exclusive) to 1: asked twice a second
 */
export function paceGroup(groupId: number, shareNow: () => number): Disposable {
  let isStopped = false
  let resting: NodeJS.Timeout | null = null
  const go = () => {
    if (isStopped) sendSignal(-groupId, 'SIGCONT')
    isStopped = false
  }
  const rest = () => {
    sendSignal(-groupId, 'SIGSTOP')
    isStopped = true
  }
  const period = setInterval(() => {
    go()
    const share = shareNow()
    if (share < 1) resting = setTimeout(rest, share * PERIOD_MS)
  }, PERIOD_MS)
  return {
    [Symbol.dispose]() {
      clearInterval(period)
      if (resting) clearTimeout(resting)
      go()
    },
  }
}
