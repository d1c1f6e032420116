/**
 * The texts that every page needs at once: navigation, and failures in which no other text could be fetched any more. Those of
 * many pages are in `rare.ts`; pages bring their own catalogues with them.
 */
import { createTranslator } from './catalogue.ts'

export const t = createTranslator('core', {
  'nav.label': 'Main',
  'nav.forYou': 'For You',
  'nav.following': 'Following',
  'nav.search': 'Search',
  'nav.upload': 'Upload',
  'nav.notifications': 'Notifications',
  'nav.profile': 'Profile',
  'nav.settings': 'Settings',
  'nav.signIn': 'Sign in',
  'nav.signUp': 'Sign up',
  'nav.keys': 'Keys',
  'nav.skip': 'Skip to the content',
  'nav.unread': { one: '{n} unread notification', other: '{n} unread notifications' },

  'action.refresh': 'Refresh',

  'toast.region': 'Messages',

  'problem.offline.title': 'You’re offline',
  'problem.offline.detail': 'This device has no network connection.',
  'problem.offline.next': 'Check Wi-Fi or mobile data; this goes on by itself.',
  'problem.unreachable.title': 'We can’t be reached',
  'problem.unreachable.detail': 'Your device is connected, but the server doesn’t answer.',
  'problem.unreachable.next': 'Try another network, or wait a moment: we try again by ourselves.',
  'problem.timeout.title': 'The answer takes too long',
  'problem.timeout.detail': 'The server didn’t answer within {n} seconds.',
  'problem.timeout.next': 'The network may be slow. Try again, or another network.',
  'problem.pageFailed.title': 'This page can’t be shown',
  'problem.pageFailed.detail': 'A fault in this app’s code stopped it ({reason}).',
  'problem.pageFailed.next': 'Reload the page; what you saved is safe.',

  'offline.banner': 'You’re offline. What you do is sent later.',
  'offline.waiting': { one: '{n} waiting', other: '{n} waiting' },
  'problem.newVersion.title': 'A newer version is out',
  'problem.newVersion.detail': 'The server no longer has the version of this page.',
  'problem.newVersion.next': 'Reload to get the new one; what you saved is safe.',
  'version.ready': 'A new version is ready.',
  'version.needed': 'This part needs the new version of the app: refresh when you are done.',
})
