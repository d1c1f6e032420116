/**
 * One request at a time per upload; a newer one takes over from an older one, which is told to end. That is how a client
 * goes on whose old connection has died without the server having noticed.
 */

export interface Turn extends Disposable {
  /** Aborted when another request wants the turn. Whoever can stop in the middle does. */
  readonly signal: AbortSignal
}

export interface TakeoverLock {
  /** Waits until the holder has ended; of several that wait, the one that came last ends up with it. */
  take(key: string): Promise<Turn>
}

export function createTakeoverLock(): TakeoverLock {
  const holders = new Map<string, { readonly leave: AbortController; readonly left: Promise<void> }>()
  return {
    async take(key) {
      for (let holder = holders.get(key); holder; holder = holders.get(key)) {
        holder.leave.abort()
        await holder.left
      }
      const leave = new AbortController()
      const { promise: left, resolve } = Promise.withResolvers<void>()
      holders.set(key, { leave, left })
      return {
        signal: leave.signal,
        [Symbol.dispose]() {
          if (holders.get(key)?.leave === leave) holders.delete(key)
          resolve()
        },
      }
    },
  }
}
