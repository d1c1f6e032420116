/** The texts of the watch's banner. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('watch', {
  'banner.label': 'Outage',
  'banner.maintenance': 'Maintenance: {title}',
  'banner.recovering': 'Coming back after an outage (“{title}”)',
  'banner.details': 'What is known',
  'banner.check': 'Is it me?',
  'banner.close': 'Hide this',
  'banner.asOf': 'As of {age}.',
})
