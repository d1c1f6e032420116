/** Likes, saves and follows as the person sees them: at once on the screen, kept in the outbox until they are sent. */
import { shareVideo } from '#lib/api/endpoints.ts'
import type { VideoCard } from '#lib/api/types.ts'
import { keepAndSend } from '#lib/outbox/pending.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'
import { askToSignIn } from '#lib/session/sign-in-prompt.svelte.ts'

/** The address that others can open. */
export function videoUrl(videoId: string): string {
  return new URL(`/v/${videoId}`, location.origin).href
}

/** Likes or unlikes; asks a stranger to sign in first. The card is changed in place. */
export function setLiked(card: VideoCard, isLiked: boolean): void {
  if (!session.account) return askToSignIn('signIn.neededToLike')
  const viewer = viewerOf(card)
  if (viewer.isLiked === isLiked) return
  viewer.isLiked = isLiked
  if (card.counts.likes !== null) card.counts.likes = Math.max(0, card.counts.likes + (isLiked ? 1 : -1))
  void keepAndSend({
    kind: 'like',
    subject: `like:${card.id}`,
    method: isLiked ? 'PUT' : 'DELETE',
    path: `/videos/${card.id}/like`,
  })
}

export function setSaved(card: VideoCard, isSaved: boolean): void {
  if (!session.account) return askToSignIn('signIn.neededToSave')
  const viewer = viewerOf(card)
  if (viewer.isSaved === isSaved) return
  viewer.isSaved = isSaved
  if (card.counts.saves !== null) card.counts.saves = Math.max(0, card.counts.saves + (isSaved ? 1 : -1))
  void keepAndSend({
    kind: 'save',
    subject: `save:${card.id}`,
    method: isSaved ? 'PUT' : 'DELETE',
    path: `/videos/${card.id}/save`,
  })
}

/** Follows or unfollows somebody; `apply` changes what the page shows. */
export function setFollowing(
  handle: string,
  isFollowing: boolean,
  apply: (isFollowing: boolean) => void,
): void {
  if (!session.account) return askToSignIn('signIn.neededToFollow')
  apply(isFollowing)
  void keepAndSend({
    kind: 'follow',
    subject: `follow:${handle.toLowerCase()}`,
    method: isFollowing ? 'PUT' : 'DELETE',
    path: `/profiles/${encodeURIComponent(handle)}/follow`,
  })
}

/** Counts a share. It is of no consequence to the person whether that works. */
export function countShare(card: VideoCard): void {
  shareVideo(card.id).then(
    () => {
      if (card.counts.shares !== null) card.counts.shares += 1
    },
    () => {},
  )
}

/** A card that a stranger's page has loaded gets a relation once its viewer has signed in. */
function viewerOf(card: VideoCard): NonNullable<VideoCard['viewer']> {
  card.viewer ??= { isLiked: false, isSaved: false, isFollowingAuthor: false, isOwn: false }
  return card.viewer
}
