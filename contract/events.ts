/** What happened, as facts that are only ever appended. Counters, notifications and ranking are folded from them. */
export type DomainEvent =
  | { kind: 'liked' | 'unliked' | 'saved' | 'unsaved'; accountId: string; videoId: string }
  | { kind: 'shared'; accountId: string | null; videoId: string }
  /**
   * `watchedMs` and `completions` come on top of what the video's sums over counted views hold: 0 while the view does
   * not count. `isCounted`: this is the report that made it count.
   */
  | {
      kind: 'viewed'
      accountId: string | null
      videoId: string
      watchedMs: number
      completions: number
      isCounted: boolean
    }
  | { kind: 'commented' | 'uncommented'; accountId: string; videoId: string; commentId: string }
  | { kind: 'followed' | 'unfollowed' | 'blocked' | 'unblocked'; accountId: string; subjectId: string }
  | { kind: 'published' | 'video-changed' | 'video-deleted'; accountId: string; videoId: string }
export type DomainEventKind = DomainEvent['kind']
