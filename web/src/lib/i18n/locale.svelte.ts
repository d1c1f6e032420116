/** The language in use, and the texts of other languages; English is built in and needs none. */
import type { Messages } from './catalogue.ts'

export const DEFAULT_LOCALE = 'en'

export const locale = $state({ current: DEFAULT_LOCALE })
export const loadedTexts = $state<{ byCatalogue: Record<string, Messages> }>({ byCatalogue: {} })
