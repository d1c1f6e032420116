/** Work that is done again and again beside everything else, until it is asked to stop. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface RepeatOptions {
  /** The pause between the end of one round and the beginning of the next. */
  readonly intervalMs: number
  /** One round; it should end soon once the signal is aborted. */
  readonly work: (signal: AbortSignal) => Promise<unknown>
  /** A round failed; the next one tries again. */
  readonly onError: (error: unknown) => void
}

/** Begins the first round at once. Disposal waits for the round that is under way. */
export function startRepeating({ intervalMs, work, onError }: RepeatOptions): AsyncDisposable {
  const closing = new AbortController()
  const { signal } = closing
  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await work(signal)
      } catch (error) {
        onError(error)
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
