/** Whether a text is a complaint, by the configured words. */

/** Case, spaces and the kind of apostrophe don't matter; a word must stand by itself: `xdown` is not `x down`. */
export function matchWords(words: readonly string[]): (text: string) => boolean {
  const pattern = words
    .map((word) => normalize(word).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .map((word) => `(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`)
    .join('|')
  const expression = new RegExp(pattern, 'u')
  return (text) => expression.test(normalize(text.slice(0, TEXT_MAX_LENGTH)))
}

const TEXT_MAX_LENGTH = 5_000

const normalize = (text: string): string =>
  text.normalize('NFKC').toLowerCase().replace(/[’‘]/g, "'").replace(/\s+/g, ' ').trim()
