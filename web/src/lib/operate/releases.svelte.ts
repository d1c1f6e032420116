/** Releases, as the operator's page shows them: asked for while the page is looked at, more often while one is under way. */
import { problemOf } from '#lib/api/problem.ts'
import type { Problem } from '#lib/api/types.ts'
import { readReleases } from './endpoints.ts'
import { isDocumentUnderWay, isUnderWay } from './release-words.ts'
import type { ReleasesState } from './types.ts'

const UNDER_WAY_EVERY_MS = 1000
const EVERY_MS = 5000

export class ReleasesWatch {
  state = $state.raw<ReleasesState | null>(null)
  /** Of the newest question; null: it was answered. */
  problem = $state.raw<Problem | null>(null)

  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false
  #isLooking = false

  /** Follows until it is stopped. */
  follow(): () => void {
    const onVisible = () => {
      if (!document.hidden) void this.look()
    }
    document.addEventListener('visibilitychange', onVisible)
    void this.look()
    return () => {
      this.#isOver = true
      clearTimeout(this.#timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }

  async look(): Promise<void> {
    if (this.#isLooking || this.#isOver) return
    clearTimeout(this.#timer)
    this.#isLooking = true
    try {
      this.state = await readReleases()
      this.problem = null
    } catch (error) {
      this.problem = problemOf(error)
    }
    this.#isLooking = false
    const { code = null, documents = [] } = this.state ?? {}
    const everyMs = isUnderWay(code) || documents.some(isDocumentUnderWay) ? UNDER_WAY_EVERY_MS : EVERY_MS
    if (!this.#isOver && !document.hidden) this.#timer = setTimeout(() => void this.look(), everyMs)
  }
}
