/**
 * What this process heard of since the shelf was made: a list on the shelf may be some seconds old, a rule never is.
 *
 * Each word is kept until a shelf is there that was begun after it, with room for clocks that differ.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'

/** A shelf that was begun this much later than a word was heard has what the word told. */
const CERTAINLY_AFTER_MS = 2_000
/** Of each kind. Shelves come every few seconds: so many words go by only when nothing makes shelves any more. */
const HEARD_MAX = 100_000

interface Word<T> {
  readonly said: T
  readonly heardAtMs: number
}

export interface Heard {
  learn(event: DomainEvent, nowMs: number): void
  /** Whether the video changed or was deleted since a shelf of this age: what the shelf says of it is not to be used. */
  isChanged(videoId: string, shelfAsOfMs: number): boolean
  /** Whether `blocker` blocks `blocked` according to what was heard since; null: nothing was. */
  isBlocking(blocker: string, blocked: string, shelfAsOfMs: number): boolean | null
}

export function createHeard(): Heard {
  const videos = createRecentMap<string, Word<true>>(HEARD_MAX)
  const blocks = createRecentMap<string, Word<boolean>>(HEARD_MAX)
  const isStillNews = (word: Word<unknown> | undefined, shelfAsOfMs: number): boolean =>
    word !== undefined && shelfAsOfMs < word.heardAtMs + CERTAINLY_AFTER_MS
  return {
    learn(event, nowMs) {
      if (event.kind === 'video-changed' || event.kind === 'video-deleted')
        videos.set(event.videoId, { said: true, heardAtMs: nowMs })
      else if (event.kind === 'blocked' || event.kind === 'unblocked')
        blocks.set(event.accountId + event.subjectId, { said: event.kind === 'blocked', heardAtMs: nowMs })
    },
    isChanged: (videoId, shelfAsOfMs) => isStillNews(videos.get(videoId), shelfAsOfMs),
    isBlocking(blocker, blocked, shelfAsOfMs) {
      const word = blocks.get(blocker + blocked)
      return isStillNews(word, shelfAsOfMs) ? word!.said : null
    },
  }
}
