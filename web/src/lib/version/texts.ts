/** The texts of a version that the server serves no longer. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('version', {
  'tooOld.label': 'New version',
  'tooOld.text':
    'This version of the app is too old for the server. What you did and wrote is kept; it goes on in the new one.',
  'tooOld.whileSending':
    'This version of the app is too old for the server. Your upload goes on: refresh when it is done, or now, and choose the same file again.',
})
