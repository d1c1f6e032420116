/**
 * How long a personal page is waited for while the database is in doubt: long enough for any that it answers, short
 * enough that somebody who waits gets another page within 300 ms.
 *
 * One timer for all pages under way: a page that is in time costs an entry in a set, and asks nothing.
 */

/** Pages that are older than this when the timer looks are given up. It looks every 50 ms. */
const PATIENCE_MS = 200
const LOOK_INTERVAL_MS = 50

/** What a page that was given up is told. */
export const LATE = Symbol('late')

interface Waiting {
  readonly beganAtMs: number
  readonly giveUp: () => void
}

export class Patience implements Disposable {
  readonly #isInDoubt: () => boolean
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | null = null

  /** @param isInDoubt whether the database may not answer at this moment */
  constructor(isInDoubt: () => boolean) {
    this.#isInDoubt = isInDoubt
  }

  /** What the work gives, or `LATE`. Work that was given up goes on unheard. */
  wait<T>(work: Promise<T>): Promise<T | typeof LATE> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { beganAtMs: performance.now(), giveUp: () => resolve(LATE) }
      this.#waiting.add(waiting)
      this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS)
      work.then(
        (page) => {
          this.#waiting.delete(waiting)
          resolve(page)
        },
        (error: unknown) => {
          this.#waiting.delete(waiting)
          reject(error as Error)
        },
      )
    })
  }

  [Symbol.dispose](): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    if (this.#waiting.size === 0) return this[Symbol.dispose]()
    if (!this.#isInDoubt()) return
    const latestMs = performance.now() - PATIENCE_MS
    for (const waiting of this.#waiting) {
      if (waiting.beganAtMs > latestMs) return
      this.#waiting.delete(waiting)
      waiting.giveUp()
    }
  }
}
