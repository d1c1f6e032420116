/** Texts of the banners that are rarely there, and loaded when they are. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('banners', {
  'maintenance.label': 'Maintenance',
  'maintenance.ahead': 'Maintenance on {day}, from {from} to {to}: {text}',
  'maintenance.aheadOver': 'Maintenance from {from} to {to}: {text}',
  'maintenance.now': 'Maintenance until about {to}: {text}',
  'maintenance.late': 'Maintenance takes longer than planned: {text}',
  'maintenance.verifying': 'Maintenance is done; we make sure that all is well before everything reopens.',
  'region.label': 'Your region',
  'address.label': 'Another way',
  'address.text':
    '{own} can’t be reached from here. You watch by {host}, as a visitor; what you do is kept on this device and sent afterwards.',
  'region.catchingUp': 'This region is catching up: {span} behind. What you do is kept.',
})
