/** One change at a time is judged: two at once could not be told apart. The others wait, in the order in which they came. */

export interface Turns {
  /** What is being tried out, or the last one that waits for it; null: nothing. */
  readonly last: string | null
  /**
   * Waits until everything that came before is over.
   *
   * @param what names it, for those who come after
   * @returns gives the turn back when it is disposed
   * @throws the signal's reason
   */
  take(what: string, signal: AbortSignal): Promise<Disposable>
}

/** Nothing is being tried out yet. */
export function createTurns(): Turns {
  const line: { readonly what: string; readonly over: Promise<void> }[] = []
  return {
    get last() {
      return line.at(-1)?.what ?? null
    },
    async take(what, signal) {
      const before = line.map(({ over }) => over)
      const { promise: over, resolve } = Promise.withResolvers<void>()
      const own = { what, over }
      line.push(own)
      const give = () => {
        const index = line.indexOf(own)
        if (index >= 0) line.splice(index, 1)
        resolve()
      }
      try {
        await Promise.race([Promise.all(before), whenAborted(signal)])
        signal.throwIfAborted()
      } catch (error) {
        give()
        throw error
      }
      return { [Symbol.dispose]: give }
    },
  }
}

/** Settles only when it is aborted, with its reason. */
export function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
