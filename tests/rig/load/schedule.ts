/** Load that comes when it comes, however long answers take. */
import { getPriority, setPriority } from 'node:os'

/** Before others on its core: a generator that waits for PostgreSQL to yield measures itself. */
const TIMELY_NICENESS = -10

/**
 * Begins a request whenever one is due, on a connection that is free, else as soon as one is. Latency counts from when a
 * request was due, so that a stall is seen by all that waited for it.
 *
 * @returns how late the generator itself was, in milliseconds, for each request
 */
export async function sendOnSchedule<Connection>(input: {
  readonly connections: readonly Connection[]
  readonly ratePerS: number
  readonly durationMs: number
  readonly send: (connection: Connection, dueAtMs: number) => Promise<void>
}): Promise<number[]> {
  using _priority = runBeforeOthers()
  const intervalMs = 1000 / input.ratePerS
  const free = [...input.connections]
  const underWay = new Set<Promise<void>>()
  const waiting: number[] = []
  const lags: number[] = []
  const begin = (dueAtMs: number): void => {
    const connection = free.pop()
    if (connection === undefined) return void waiting.push(dueAtMs)
    const sent = input.send(connection, dueAtMs).then(() => {
      underWay.delete(sent)
      free.push(connection)
      const next = waiting.shift()
      if (next !== undefined) begin(next)
    })
    underWay.add(sent)
  }
  let dueAtMs = performance.now()
  const endsAtMs = dueAtMs + input.durationMs
  while (dueAtMs < endsAtMs) {
    const nowMs = performance.now()
    for (; dueAtMs <= nowMs && dueAtMs < endsAtMs; dueAtMs += intervalMs) {
      lags.push(performance.now() - dueAtMs)
      begin(dueAtMs)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  while (underWay.size > 0) await Promise.all(underWay)
  return lags
}

/** Until disposal. Only root may: others' generators are as late as they say they are. */
function runBeforeOthers(): Disposable {
  const before = getPriority()
  try {
    setPriority(TIMELY_NICENESS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error
  }
  return {
    [Symbol.dispose]() {
      if (getPriority() !== before) setPriority(before)
    },
  }
}
