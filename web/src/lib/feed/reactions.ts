/** Likes, saves and follows as the person sees them: at once on the screen, kept in the outbox until they are sent. */
import type { VideoCard } from '#lib/api/types.ts'
import { keepAndSend } from '#lib/outbox/keep-and-send.ts'
import { pendingWish } from '#lib/outbox/pending.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'
import { askToSignIn } from '#lib/session/sign-in-prompt.svelte.ts'
import { withWish, type Reaction } from './own-reaction.ts'

/** The address that others can open. */
export function videoUrl(videoId: string): string {
  return new URL(`/v/${videoId}`, location.origin).href
}

/** Whether the person likes a video, and how many do. */
export function likeOf(card: VideoCard): Reaction {
  const isOn = card.viewer?.isLiked ?? false
  return withWish({ isOn, count: card.counts.likes }, pendingWish(`like:${card.id}`))
}

/** Whether the person has saved a video, and how many have. */
export function saveOf(card: VideoCard): Reaction {
  const isOn = card.viewer?.isSaved ?? false
  return withWish({ isOn, count: card.counts.saves }, pendingWish(`save:${card.id}`))
}

/** Likes or unlikes; asks a stranger to sign in first. The card is changed in place. */
export function setLiked(card: VideoCard, isLiked: boolean): void {
  if (!session.account) return askToSignIn('signIn.neededToLike')
  if (likeOf(card).isOn === isLiked) return
  takeLike(card, isLiked)
  void keepAndSend({
    kind: 'like',
    subject: `like:${card.id}`,
    method: isLiked ? 'PUT' : 'DELETE',
    path: `/videos/${card.id}/like`,
  })
}

export function setSaved(card: VideoCard, isSaved: boolean): void {
  if (!session.account) return askToSignIn('signIn.neededToSave')
  if (saveOf(card).isOn === isSaved) return
  takeSave(card, isSaved)
  void keepAndSend({
    kind: 'save',
    subject: `save:${card.id}`,
    method: isSaved ? 'PUT' : 'DELETE',
    path: `/videos/${card.id}/save`,
  })
}

/** Notes on the card that its viewer likes it, or no longer; its count follows. */
export function takeLike(card: VideoCard, isLiked: boolean): void {
  const viewer = viewerOf(card)
  card.counts.likes = withWish({ isOn: viewer.isLiked ?? false, count: card.counts.likes }, isLiked).count
  viewer.isLiked = isLiked
}

/** Notes on the card that its viewer has saved it, or no longer; its count follows. */
export function takeSave(card: VideoCard, isSaved: boolean): void {
  const viewer = viewerOf(card)
  card.counts.saves = withWish({ isOn: viewer.isSaved ?? false, count: card.counts.saves }, isSaved).count
  viewer.isSaved = isSaved
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

/** A card that a stranger's page has loaded gets a relation once its viewer has signed in. */
function viewerOf(card: VideoCard): NonNullable<VideoCard['viewer']> {
  card.viewer ??= { isLiked: false, isSaved: false, isFollowingAuthor: false, isOwn: false }
  return card.viewer
}
