/** Texts of many pages that the first one does without until something is opened or fails. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('rare', {
  'action.close': 'Close',
  'action.back': 'Back',
  'action.retry': 'Try again',
  'action.cancel': 'Cancel',
  'action.delete': 'Delete',
  'action.save': 'Save',
  'action.showMore': 'Show more',
  'action.goHome': 'Go to For You',

  'field.showPassword': 'Show password',
  'field.hidePassword': 'Hide password',
  'field.charactersLeft': { one: '{n} character left', other: '{n} characters left' },

  'error.side.you': 'Yours to change',
  'error.side.us': 'On our side',
  'error.side.network': 'On the network',
  'error.workKept': 'Your work is kept',
  'error.workNotKept': 'Nothing was saved',
  'error.requestId': 'Request {id}',

  'problem.badAnswer.title': 'The answer can’t be read',
  'problem.badAnswer.detail':
    'What came back isn’t from our server: a sign-in page of a Wi-Fi network, or a proxy, may stand between.',
  'problem.badAnswer.next': 'Open a new page to see whether the network asks you to sign in, then try again.',
  'problem.serverFault.title': 'Our server stumbled',
  'problem.serverFault.detail': 'It answered with status {status} and no explanation.',
  'problem.serverFault.next': 'It is on our side. Try again in a few seconds.',
  'problem.notFound.title': 'There’s nothing here',
  'problem.notFound.detail':
    'The address {path} leads nowhere: it may be mistyped, or what was here is gone.',
  'problem.notFound.next': 'Check the address, search, or go back to For You.',

  'session.ended': 'This browser is no longer signed in as @{handle}: it was signed out elsewhere.',

  'signIn.needed': 'Sign in to go on',
  'signIn.neededToLike': 'Sign in to like videos and find them again.',
  'signIn.neededToSave': 'Sign in to save videos for later.',
  'signIn.neededToFollow': 'Sign in to follow people.',
  'signIn.neededToComment': 'Sign in to join the conversation.',
  'signIn.neededForThis': 'This page belongs to an account.',

  'error.check': 'Is it down, or is it me?',
})
