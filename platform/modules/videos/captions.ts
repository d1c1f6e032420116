/** Captions: what is kept of the text, and which tags stand in it. */
import { HANDLE_MAX_LENGTH, HANDLE_MIN_LENGTH } from '../../../contract/common.ts'
import { TAG_MAX_LENGTH, TAGS_MAX } from '../../../contract/videos.ts'

/** Everything in Unicode's category Cc but tab and line feed: PostgreSQL refuses NUL, and none of them can be seen. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** A `#` that does not stand inside a word, then letters (with their marks), digits and `_`. */
const TAG = /(?<![\p{L}\p{M}\p{N}_#&/])#([\p{L}\p{M}\p{N}_]+)/gu

/** An `@` that does not stand inside a word or an address, then a handle (contract/common.ts). */
const MENTION = /(?<![\p{L}\p{M}\p{N}_.@/])@([a-zA-Z0-9](?:[a-zA-Z0-9_.]*[a-zA-Z0-9])?)/gu
const MENTIONS_MAX = 10

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

/** The handles that a caption or comment mentions (`@handle`), each once, lower case; the first MENTIONS_MAX. */
export function parseMentions(text: string): string[] {
  const handles = [...text.matchAll(MENTION)].map(([, handle]) => handle!.toLowerCase())
  const fitting = handles.filter(({ length }) => length >= HANDLE_MIN_LENGTH && length <= HANDLE_MAX_LENGTH)
  return [...new Set(fitting)].slice(0, MENTIONS_MAX)
}
