/**
 * The log of changes (`feed_change`), read before every page: what this process keeps in memory then holds everything that
 * was committed before the page was asked for, whoever wrote it.
 *
 * Pages that are asked for at the same time share a reading: one that is under way began too early for those who come
 * now, so they wait for the next.
 */
import type { Ctx } from '../../app/context.ts'
import { readChanges, type Change } from './feed.queries.ts'

/** Lines are kept for an hour (upkeep.ts): whoever has not read for this long has missed some. */
const MEMORY_MAX_MS = 30 * 60_000

export interface ChangeHandlers {
  readonly apply: (change: Change) => void
  /** Changes may have been missed: nothing in memory can be trusted. */
  readonly forgetAll: () => void
}

export class ChangeLog {
  readonly #ctx: Ctx
  readonly #handlers: ChangeHandlers
  #oldestOpenXid: string | null = null
  #applied = new Set<number>()
  #readAtMs = -Infinity
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null
  #queryCount = 0

  constructor(ctx: Ctx, handlers: ChangeHandlers) {
    this.#ctx = ctx
    this.#handlers = handlers
  }

  /** Queries made so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  /** Waits until everything committed before this call has been applied. */
  catchUp(): Promise<void> {
    if (this.#next) return this.#next
    if (!this.#running) return (this.#next = this.#afterThisTurn())
    const next = this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return (this.#next = next)
  }

  // Requests that were read from their sockets together go together.
  #afterThisTurn(): Promise<void> {
    return new Promise((resolve, reject) => {
      setImmediate(() => this.#begin().then(resolve, reject))
    })
  }

  #begin(): Promise<void> {
    this.#next = null
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = null
    })
    return (this.#running = running)
  }

  async #read(): Promise<void> {
    const startedAtMs = this.#ctx.clock.monotonicMs()
    const since = startedAtMs - this.#readAtMs > MEMORY_MAX_MS ? null : this.#oldestOpenXid
    this.#queryCount += 1
    const { oldestOpenXid, changes } = await readChanges(this.#ctx.pool, since)
    // Only from here on nothing is missed: what was read into memory before may be older.
    if (since === null) this.#handlers.forgetAll()
    // While a transaction stays open, the lines after its beginning are read again and again.
    for (const change of changes) if (!this.#applied.has(change.seq)) this.#handlers.apply(change)
    this.#applied = new Set(changes.map(({ seq }) => seq))
    this.#oldestOpenXid = oldestOpenXid
    this.#readAtMs = startedAtMs
  }
}
