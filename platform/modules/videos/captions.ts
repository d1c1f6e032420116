/** Captions: what is kept of the text, and which tags stand in it. */
import { TAG_MAX_LENGTH, TAGS_MAX } from '../../../contract/videos.ts'

/** Everything in Unicode's category Cc but tab and line feed: PostgreSQL refuses NUL, and none of them can be seen. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** A `#` that does not stand inside a word, then letters (with their marks), digits and `_`. */
const TAG = /(?<![\p{L}\p{M}\p{N}_#&/])#([\p{L}\p{M}\p{N}_]+)/gu

/** The caption as it is stored: composed (NFC), line ends as `\n`, without controls, halves of characters and outer space. */
export function cleanCaption(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROLS, '').toWellFormed().normalize('NFC').trim()
}

/** Tags are compared in this form: compatibility characters resolved, lower case. */
export function normalizeTag(tag: string): string {
  return tag.normalize('NFKC').toLowerCase()
}

/**
 * The tags of a caption, each once, in the order of their first use, lower case and without `#`.
 *
 * What is longer than TAG_MAX_LENGTH characters or has no letter (`#1`) is text; after TAGS_MAX tags the rest is text too.
 */
export function parseTags(caption: string): string[] {
  const tags = new Set<string>()
  for (const [, raw] of caption.matchAll(TAG)) {
    const tag = normalizeTag(raw!)
    if ([...tag].length > TAG_MAX_LENGTH || !/\p{L}/u.test(tag)) continue
    tags.add(tag)
    if (tags.size === TAGS_MAX) break
  }
  return [...tags]
}
