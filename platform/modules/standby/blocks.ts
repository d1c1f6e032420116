/**
 * Who blocks whom, all of it, sorted as it goes to the shelf: read once, then kept in step by the log of changes. The file
 * of all is written seldom; what changed since lies beside the other rules.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { diffRecords, withoutRecord, withRecord } from '../../../kit/files/sorted-records.ts'
import type { Ctx } from '../../app/context.ts'
import { PAIR_BYTES, pairBytes } from '../../app/standby/index.ts'
import { listBlocks, type Pair } from './standby.queries.ts'

const READ_BATCH = 5_000
const NOTHING = Buffer.alloc(0)

export class Blocks {
  readonly #ctx: Ctx
  #pairs: Buffer | null = null
  #inFile: Buffer | null = null

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  /** All pairs, sorted. Reads them when they are not known. */
  async all(): Promise<Buffer> {
    return (this.#pairs ??= await this.#read())
  }

  /**
   * What the file should say, and how the truth differs from it: the file stays as it is for `changesMax` changes.
   */
  async makeFile(
    changesMax: number,
  ): Promise<{ readonly pairs: Buffer; readonly blocked: Buffer; readonly unblocked: Buffer }> {
    const pairs = await this.all()
    this.#inFile ??= pairs
    const { gone, come } = diffRecords(this.#inFile, pairs, PAIR_BYTES)
    if (gone.length + come.length <= changesMax * PAIR_BYTES)
      return { pairs: this.#inFile, blocked: come, unblocked: gone }
    this.#inFile = pairs
    return { pairs, blocked: NOTHING, unblocked: NOTHING }
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
