/** The judge of `engines/steward` on the samples of a trial. */
import { SHARES, type Judge } from './trial.ts'

export function createTrialJudge(): Judge {
  let [seconds, canaryErrors, canaryRequests, baselineErrors, baselineRequests] = [0, 0, 0, 0, 0]
  let stage = 0
  return {
    judge({ canary, baseline }) {
      seconds += 1
      canaryErrors += canary.errors
      canaryRequests += canary.requests
      baselineErrors += baseline.errors
      baselineRequests += baseline.requests
      const words = `${canaryErrors} of ${canaryRequests} requests failed, ${baselineErrors} of ${baselineRequests} with the old code`
      const rate = baselineErrors / Math.max(1, baselineRequests)
      if (canary.crashed || (canaryErrors >= 20 && canaryErrors / canaryRequests > 5 * rate))
        return { verdict: 'back', reason: words }
      if (seconds < 5) return { verdict: 'hold', reason: words }
      seconds = 0
      return { verdict: ++stage >= SHARES.length ? 'promote' : 'advance', reason: words }
    },
  }
}
