/** Splits a caption into plain text, hashtags and mentions, so that the latter become links. */
import { splitCaption as splitTags } from '#lib/upload/caption-tags.ts'

export interface LinkedPart {
  readonly text: string
  /** The page it leads to; null for plain text. */
  readonly href: string | null
}

/** An `@` that doesn't stand inside a word, then a handle. */
const MENTION = /(?<![\p{L}\p{N}_.@])@([a-zA-Z0-9][a-zA-Z0-9_.]{1,22}[a-zA-Z0-9])/gu

/** The parts in order; joined, they are the caption again. */
export function linkCaption(caption: string): LinkedPart[] {
  return splitTags(caption).flatMap((part) => (part.isTag ? [linkTag(part.text)] : linkMentions(part.text)))
}

function linkTag(text: string): LinkedPart {
  return { text, href: `/tag/${encodeURIComponent(text.slice(1).normalize('NFKC').toLowerCase())}` }
}

function linkMentions(text: string): LinkedPart[] {
  const parts: LinkedPart[] = []
  let at = 0
  for (const match of text.matchAll(MENTION)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), href: null })
    parts.push({ text: match[0], href: `/@${match[1]}` })
    at = match.index + match[0].length
  }
  if (at < text.length) parts.push({ text: text.slice(at), href: null })
  return parts
}
