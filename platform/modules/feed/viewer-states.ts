/**
 * What holds between a viewer and videos at this moment: may they see it, did they like and save it, do they follow its
 * author. Never cached: asked of the database for every page.
 *
 * Pages that are asked for at the same time share a query: while one is on its way, the next ones gather.
 */
import type pg from 'pg'
import { queryViewerStates, VIEWER_STATE_BASE } from './feed.queries.ts'

export const VIEWER_STATE = { visible: 1, liked: 2, saved: 4, following: 8 } as const

/** At most this many queries are on their way at once. */
const QUERIES_MAX = 2
const PAIRS_MAX = 800

interface Waiting {
  readonly viewerId: string | null
  readonly videoIds: readonly string[]
  readonly resolve: (states: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

export class ViewerStates {
  readonly #pool: pg.Pool
  #waiting: Waiting[] = []
  #running = 0
  #isScheduled = false
  #queryCount = 0

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Queries made so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  /** Bits of `VIEWER_STATE` for each video, in order. */
  load(viewerId: string | null, videoIds: readonly string[]): Promise<Uint8Array> {
    if (videoIds.length === 0) return Promise.resolve(new Uint8Array(0))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ viewerId, videoIds, resolve, reject })
      this.#schedule()
    })
  }

  // After this turn of the event loop: requests that were read from their sockets together go together.
  #schedule(): void {
    if (this.#isScheduled || this.#running >= QUERIES_MAX || this.#waiting.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#run()
    })
  }

  async #run(): Promise<void> {
    const batch = this.#takeBatch()
    if (batch.length === 0) return
    this.#running += 1
    this.#queryCount += 1
    try {
      const states = await queryViewerStates(this.#pool, batch)
      let at = 0
      for (const { videoIds, resolve } of batch) {
        resolve(Uint8Array.from(videoIds, (_, index) => states.charCodeAt(at + index) - VIEWER_STATE_BASE))
        at += videoIds.length
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#running -= 1
      this.#schedule()
    }
  }

  #takeBatch(): Waiting[] {
    let pairs = 0
    let count = 0
    for (const { videoIds } of this.#waiting) {
      if (count > 0 && pairs + videoIds.length > PAIRS_MAX) break
      pairs += videoIds.length
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}
