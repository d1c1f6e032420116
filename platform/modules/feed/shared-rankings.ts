/**
 * Rankings that signed-out visitors share: one every few seconds for all who begin a feed, and one for all who come to the
 * end of the same ranking, instead of a stored row for each of them. A cursor is a position in its snapshot all the same.
 */
import type { Clock } from '../../../kit/clock.ts'
import { LruMap } from './lru.ts'
import type { Snapshot } from './snapshots.ts'

/** Who comes later than this after a ranking was made gets a newer one. */
export const SHARED_MS = 3_000
const SHARED_MAX = 1_000
/** What stands for the beginning of a feed, where others have the id of the snapshot before. */
const BEGINNING = ''

interface Shared {
  readonly madeAtMs: number
  readonly snapshot: Promise<Snapshot>
}

export interface ShareInput {
  /** The snapshot that was used up; null: the beginning of a feed. */
  readonly after: Snapshot | null
  /** Called when there is none to share; may refuse by throwing. */
  readonly admit: () => void
  readonly make: () => Promise<Snapshot>
}

export class SharedRankings {
  readonly #clock: Clock
  readonly #byPredecessor = new LruMap<string, Shared>(SHARED_MAX)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The ranking that comes after another one: made now, or a moment ago for somebody else. */
  async share({ after, admit, make }: ShareInput): Promise<Snapshot> {
    const key = after?.id ?? BEGINNING
    const nowMs = this.#clock.now().getTime()
    const known = this.#byPredecessor.get(key)
    if (known && nowMs - known.madeAtMs < SHARED_MS) return known.snapshot
    admit()
    const shared: Shared = { madeAtMs: nowMs, snapshot: make() }
    this.#byPredecessor.set(key, shared)
    try {
      return await shared.snapshot
    } catch (error) {
      if (this.#byPredecessor.get(key) === shared) this.#byPredecessor.delete(key)
      throw error
    }
  }
}
