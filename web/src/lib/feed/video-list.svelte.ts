/** A list of videos that grows page by page: no repeats, one request at a time, an end only when there is an end. */
import { problemOf } from '#lib/api/problem.ts'
import type { Problem, VideoCard } from '#lib/api/types.ts'

export interface VideoPage {
  readonly items: readonly VideoCard[]
  readonly nextCursor: string | null
  /** When the first page was made; tells the age of what a cache has kept. */
  readonly rankedAt?: string
  /** For whom it was ranked; absent: for this viewer. */
  readonly service?: 'personal' | 'cohort' | 'top'
  /** The server gave none: it is the last one that this device has kept. */
  readonly isKept?: boolean
}

export type LoadPage = (cursor: string | null, signal: AbortSignal) => Promise<VideoPage>

export class VideoList {
  items = $state<VideoCard[]>([])
  state = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle')
  problem = $state<Problem | null>(null)
  isAtEnd = $state(false)
  rankedAt = $state<string | null>(null)
  /** For whom the newest page was ranked. */
  service = $state<NonNullable<VideoPage['service']>>('personal')
  /** The first page is what this device had kept, for the server did not answer. */
  isKept = $state(false)

  #load: LoadPage
  #cursor: string | null = null
  #loading: AbortController | null = null

  constructor(load: LoadPage) {
    this.#load = load
  }

  get isEmpty(): boolean {
    return this.isAtEnd && this.items.length === 0
  }

  /** Loads the next page, unless one is on its way or the end is reached. */
  async loadMore(): Promise<void> {
    if (this.state === 'loading' || this.isAtEnd) return
    const loading = new AbortController()
    this.#loading = loading
    this.state = 'loading'
    try {
      const page = await this.#load(this.#cursor, loading.signal)
      if (loading.signal.aborted) return
      const known = new Set(this.items.map((item) => item.id))
      for (const item of page.items) {
        if (known.has(item.id)) continue
        known.add(item.id)
        this.items.push(item)
      }
      if (this.#cursor === null) {
        this.rankedAt = page.rankedAt ?? null
        this.isKept = page.isKept ?? false
      }
      this.service = page.service ?? 'personal'
      this.#cursor = page.nextCursor
      this.isAtEnd = page.nextCursor === null
      this.problem = null
      this.state = 'ready'
    } catch (error) {
      if (loading.signal.aborted) return
      this.problem = problemOf(error)
      this.state = 'failed'
    }
  }

  /** Begins anew from the first page. */
  async restart(): Promise<void> {
    this.#loading?.abort()
    this.#cursor = null
    this.items = []
    this.isAtEnd = false
    this.problem = null
    this.rankedAt = null
    this.isKept = false
    this.state = 'idle'
    await this.loadMore()
  }

  remove(videoId: string): void {
    this.items = this.items.filter((item) => item.id !== videoId)
  }

  removeBy(accountId: string): void {
    this.items = this.items.filter((item) => item.author.id !== accountId)
  }

  close(): void {
    this.#loading?.abort()
  }
}
