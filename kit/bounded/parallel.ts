/** Several pieces of work at once, of which there may be more than fit into memory. */

/**
 * Works on each item, `concurrency` at a time. When one fails no further ones are begun, and what is under way is waited
 * for.
 *
 * @throws the first failure, or the signal's reason.
 */
export async function eachInParallel<T>(
  items: AsyncIterable<T>,
  options: { readonly concurrency: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failing = new AbortController()
  const signal = AbortSignal.any([options.signal, failing.signal])
  const iterator = items[Symbol.asyncIterator]()
  async function run(): Promise<void> {
    try {
      for (;;) {
        signal.throwIfAborted()
        const next = await iterator.next()
        if (next.done) return
        await work(next.value, signal)
      }
    } catch (error) {
      failing.abort(error)
      throw error
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: options.concurrency }, run))
  await iterator.return?.()
  if (signal.aborted) throw signal.reason
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
