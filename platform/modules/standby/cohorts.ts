/**
 * To which of the lists each account belongs: the tags that are watched most make the lists, and an account belongs to
 * the one that it likes and watches most itself. A walk over all accounts, some each round, finds out.
 */
import type { Ctx } from '../../app/context.ts'
import { COHORT_BYTES, idBytes } from '../../app/standby/index.ts'
import { listTags, listTastes } from './standby.queries.ts'
import type { StandbySizes } from './sizes.ts'

/** A list keeps its tag while that is among so many times as many as there are lists: nobody's list changes for a trifle. */
const LOYALTY = 2

export class Cohorts {
  readonly #ctx: Ctx
  readonly #sizes: StandbySizes
  /** Only ever grows: numbers in records stay true. */
  readonly #names: string[] = []
  #tags: string[] = []
  #position: string | null = null
  #walked: Buffer[] = []

  constructor(ctx: Ctx, sizes: StandbySizes) {
    this.#ctx = ctx
    this.#sizes = sizes
  }

  /** The tags of the lists. */
  get tags(): readonly string[] {
    return this.#tags
  }

  /** Names by the number that records have. */
  get names(): readonly string[] {
    return this.#names
  }

  /** Chooses the tags by what is watched most at the moment. */
  async chooseTags(videoIds: readonly string[]): Promise<void> {
    const { cohorts } = this.#sizes
    const found = await listTags(this.#ctx.db, { videoIds, limit: cohorts * LOYALTY })
    const stay = this.#tags.filter((tag) => found.includes(tag))
    this.#tags = [...new Set([...stay, ...found])].slice(0, cohorts)
  }

  /**
   * Goes on with the walk.
   *
   * @returns sorted records of all accounts, when it came to its end; null: not yet.
   */
  async walk(): Promise<Buffer | null> {
    const { tastesRound: limit } = this.#sizes
    const tastes = await listTastes(this.#ctx.db, { after: this.#position, tags: this.#tags, limit })
    for (const { id, tag } of tastes) {
      const number = tag === null ? -1 : this.#numberOf(tag)
      if (number >= 0) this.#walked.push(Buffer.concat([idBytes(id), Buffer.of(number)]))
    }
    this.#position = tastes.length < limit ? null : tastes.at(-1)!.id
    if (this.#position !== null) return null
    const records = Buffer.concat(this.#walked, this.#walked.length * COHORT_BYTES)
    this.#walked = []
    return records
  }

  /** Below 0: there have been too many names. */
  #numberOf(tag: string): number {
    const known = this.#names.indexOf(tag)
    if (known >= 0) return known
    return this.#names.length > 255 ? -1 : this.#names.push(tag) - 1
  }
}
