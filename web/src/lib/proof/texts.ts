/** The few words of a proof of work. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('proof', {
  'proof.working': 'Many people are here just now. Your browser does a small sum first; it takes a moment.',
})
