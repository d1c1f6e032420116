/** Which hashtags a caption has, by the server's rules, so that the editor marks what will be one. */
import { TAGS_MAX } from '#lib/api/limits.ts'
import { TAG_MAX_LENGTH } from './limits.ts'

/** A `#` that doesn't stand inside a word, then letters (with their marks), digits and `_`. */
const TAG = /(?<![\p{L}\p{M}\p{N}_#&/])#([\p{L}\p{M}\p{N}_]+)/gu

export interface CaptionPart {
  readonly text: string
  readonly isTag: boolean
}

/** Cuts a caption into tags and the text between them; joined, the parts are the caption again. */
export function splitCaption(caption: string): CaptionPart[] {
  const parts: CaptionPart[] = []
  const seen = new Set<string>()
  let end = 0
  for (const match of caption.matchAll(TAG)) {
    const tag = match[1]!.normalize('NFKC').toLowerCase()
    if ([...tag].length > TAG_MAX_LENGTH || !/\p{L}/u.test(tag)) continue
    if (!seen.has(tag) && seen.size === TAGS_MAX) continue
    seen.add(tag)
    if (match.index > end) parts.push({ text: caption.slice(end, match.index), isTag: false })
    parts.push({ text: match[0], isTag: true })
    end = match.index + match[0].length
  }
  if (end < caption.length) parts.push({ text: caption.slice(end), isTag: false })
  return parts
}

/** How many different tags a caption has. */
export function countTags(caption: string): number {
  return new Set(
    splitCaption(caption).flatMap((part) => (part.isTag ? [part.text.normalize('NFKC').toLowerCase()] : [])),
  ).size
}
