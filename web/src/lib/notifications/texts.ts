/** The texts of notifications. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('notifications', {
  title: 'Notifications',
  'signedOut.title': 'Sign in to see your notifications',
  'signedOut.text': 'Likes, comments and followers are told to your account.',
  'empty.title': 'All quiet',
  'empty.text': 'Likes, comments, new followers and what became of your uploads will show up here.',
  'empty.upload': 'Upload a video',
  slow: 'Your notifications take longer than usual.',
  loading: 'Fetching your notifications …',
  end: 'That’s all of them.',
  unread: 'Unread',

  'period.new': 'New',
  'period.today': 'Today',
  'period.week': 'This week',
  'period.earlier': 'Earlier',

  'who.one': '{a}',
  'who.two': '{a} and {b}',
  'who.more': { one: '{a} and {n} other', other: '{a} and {n} others' },
  'who.gone': 'Somebody',

  'did.liked': 'liked your video',
  'did.commented': 'commented',
  'did.replied': 'replied to you',
  'did.mentioned': 'mentioned you',
  'did.followed': 'followed you',
  'did.comment-liked': 'liked your comment',
  'did.upload-failed': 'An upload failed',
  'did.upload-published': 'Your video is live',
  'did.new-sign-in': 'New sign-in to your account',

  'hint.upload-failed': 'See what to do',
  'hint.new-sign-in': 'Was it you? Then there is nothing to do.',
  'hint.devices': 'See your devices',
})
