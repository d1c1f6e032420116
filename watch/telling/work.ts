/** What is being done beside everything else, and what came of it, until it is on the disk. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { Statement } from '../store/index.ts'

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

export interface Work {
  /** Nobody waits for it, until somebody does; what it throws is logged. */
  add(work: Promise<void>): void
  /** Answers once nothing is under way any more. */
  idle(): Promise<void>
  /**
   * Writes what came of a send. While the disk refuses, it goes on trying: what was sent stays in hand meanwhile, as it would
   * be sent again. After the end of the process it is: a message comes at least once.
   */
  keep(statements: readonly Statement[]): Promise<void>
  isClosed(): boolean
  /** Answers once what was under way has ended. */
  close(): Promise<void>
}

/** Begins with nothing to do. */
export function createWork(ctx: WatchCtx): Work {
  const works = new Set<Promise<void>>()
  const closing = new AbortController()
  const { signal } = closing

  async function idle(): Promise<void> {
    while (works.size > 0) await Promise.all(works)
  }

  async function keep(statements: readonly Statement[]): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      try {
        await ctx.store.write(statements)
        return
      } catch (error) {
        const isDisk = error instanceof WatchError && error.code === 'storage-unavailable'
        if (!isDisk || signal.aborted) throw error
        ctx.log.error({ err: error }, 'telling.not-kept')
        await sleep(pauseMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  return {
    add(work) {
      const watched = work
        .catch((error: unknown) => ctx.log.error({ err: error }, 'telling.not-recorded'))
        .finally(() => works.delete(watched))
      works.add(watched)
    },
    idle,
    keep,
    isClosed: () => signal.aborted,
    close() {
      closing.abort()
      return idle()
    },
  }
}
