/** Shares that count. */
import { shareVideo } from '#lib/api/endpoints.ts'
import type { VideoCard } from '#lib/api/types.ts'

/** Counts a share. It is of no consequence to the person whether that works. */
export function countShare(card: VideoCard): void {
  shareVideo(card.id).then(
    () => {
      if (card.counts.shares !== null) card.counts.shares += 1
    },
    () => {},
  )
}
