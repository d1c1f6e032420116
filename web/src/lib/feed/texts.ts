/**
 * The texts of feeds and videos; those of the sheets over them are in `sheet-texts.ts`, those for the
 * end of a feed and for trouble in `end-texts.ts`.
 */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('feed', {
  'feed.label': 'Videos, one below the other',
  'feed.position': 'Video {n} by {name}',
  'feed.loadingMore': 'Loading more videos',

  'wait.bare': 'The video doesn’t come through. We keep trying by ourselves.',

  'video.mute': 'Mute',
  'video.unmute': 'Turn the sound on',
  'video.tapForSound': 'Tap for sound',
  'video.clickForSound': 'Click for sound',
  'video.more': 'more',
  'video.less': 'less',
  'video.isPrivate': 'Only you',
  'video.isForFollowers': 'Followers',

  'like.like': 'Like',
  'like.unlike': 'Take back the like',
  'save.save': 'Save',
  'save.unsave': 'Remove from saved',
  'follow.followName': 'Follow {name}',
  'count.likes': { one: '{count} like', other: '{count} likes' },
  'count.comments': { one: '{count} comment', other: '{count} comments' },
  'count.saves': { one: '{count} save', other: '{count} saves' },
  'count.shares': { one: '{count} share', other: '{count} shares' },
  'count.unknown': 'number not known right now',
  'count.paused': 'paused',
  'count.pausedLong': 'number paused right now',
  pending: 'Waiting to be sent',

  'reason.title': 'Why you see this',

  'share.title': 'Share',

  'more.title': 'More',

  'comments.title': 'Comments',
})
