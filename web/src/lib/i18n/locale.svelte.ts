/** The language in use, and the texts of other languages once they are loaded. */
import type { Messages } from './catalogue.ts'

export const DEFAULT_LOCALE = 'en'

export const locale = $state({ current: DEFAULT_LOCALE })
export const loadedTexts = $state<{ byCatalogue: Record<string, Messages> }>({ byCatalogue: {} })

type Loader = () => Promise<{ texts: Record<string, Messages> }>
/** One entry a language: `de: () => import('./texts/de.ts')`. English is built in. */
const loaders: Record<string, Loader> = {}

/** Switches to a language if there are texts in it. Returns the language that is now in use. */
export async function useLocale(wanted: string): Promise<string> {
  const language = wanted.split('-')[0]!.toLowerCase()
  const load = loaders[language]
  loadedTexts.byCatalogue = load ? (await load()).texts : {}
  locale.current = load ? language : DEFAULT_LOCALE
  document.documentElement.lang = locale.current
  return locale.current
}
