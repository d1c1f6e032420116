/** What an nginx counts, second by second. */
import type { Counts, Nginx } from '../nginx/nginx.ts'
import type { Second } from './judge-release.ts'

const SECOND_MS = 1_000
const RECENT_SECONDS = 30

/** @returns what was counted since the last call that was answered; null: nobody knows, since nginx was started anew or does not answer */
export function createCountReader(nginx: Pick<Nginx, 'counts'>): () => Promise<Second | null> {
  let last: Counts | null = null
  return async () => {
    const counts = await nginx.counts()
    const since =
      counts && last && counts.requests >= last.requests
        ? { requests: counts.requests - last.requests, errors: counts.errors - last.errors }
        : null
    // One look that went unanswered is made good by the next.
    if (counts) last = counts
    return since
  }
}

/** Keeps what happened in each of the last seconds. */
export function countSeconds(nginx: Nginx) {
  const read = createCountReader(nginx)
  const seconds: Second[] = []
  const timer = setInterval(() => {
    void read().then((since) => {
      if (since) seconds.push(since)
      if (seconds.length > RECENT_SECONDS) seconds.shift()
    })
  }, SECOND_MS)
  return {
    recent: (): readonly Second[] => [...seconds],
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
    },
  }
}
