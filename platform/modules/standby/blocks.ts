/** Who blocks whom, all of it, sorted as it goes to the shelf: read once, then kept in step by the log of changes. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { withoutRecord, withRecord } from '../../../kit/sorted-records.ts'
import type { Ctx } from '../../app/context.ts'
import { PAIR_BYTES, pairBytes } from '../../app/standby/index.ts'
import { listBlocks, type Pair } from './standby.queries.ts'

const READ_BATCH = 5_000

export class Blocks {
  readonly #ctx: Ctx
  #pairs: Buffer | null = null

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  /** All pairs, sorted. Reads them when they are not known. */
  async all(): Promise<Buffer> {
    return (this.#pairs ??= await this.#read())
  }

  put(blocker: string, blocked: string, is: boolean): void {
    if (!this.#pairs) return
    const record = pairBytes(blocker, blocked)
    this.#pairs = is ? withRecord(this.#pairs, record) : withoutRecord(this.#pairs, record)
  }

  /** Changes may have been missed. */
  forget(): void {
    this.#pairs = null
  }

  async #read(): Promise<Buffer> {
    const batches: Buffer[] = []
    for (let after: Pair | null = null; ;) {
      const pairs: Pair[] = await listBlocks(this.#ctx.db, { after, limit: READ_BATCH })
      const bytes = Buffer.allocUnsafe(pairs.length * PAIR_BYTES)
      for (const [at, pair] of pairs.entries())
        pairBytes(pair.blocker, pair.blocked).copy(bytes, at * PAIR_BYTES)
      batches.push(bytes)
      if (pairs.length < READ_BATCH) return Buffer.concat(batches)
      after = pairs.at(-1)!
      await nextTurn()
    }
  }
}
