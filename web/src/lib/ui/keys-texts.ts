/** The texts of the list of keys. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('keys', {
  title: 'Keys',
  text: 'They work while a video is on the screen.',
  or: 'or',
  next: 'Next video',
  previous: 'Previous video',
  pause: 'Pause and go on',
  seek: 'Five seconds back and forth',
  mute: 'Sound on and off',
  like: 'Like, or take it back',
  comments: 'Open and close the comments',
  close: 'Close what is open',
  help: 'This list',
  space: 'Space',
})
