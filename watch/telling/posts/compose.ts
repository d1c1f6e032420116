/** A notice as a short text that fits a network's bound, with the link at its end. Pure. */
import type { PostInput } from './poster.ts'

export interface Bound {
  readonly max: number
  /** The length as the network counts it. */
  count(text: string): number
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Characters as a person sees them. */
export function countGraphemes(text: string): number {
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count
}

/** Of a first post: what it is, in which state. Of a reply: what is new. Both lead to the page. */
export function composePost({ notice, url, thread }: PostInput, { max, count }: Bound): string {
  const tail = url === null ? '' : `\n\n${url}`
  const room = max - count(tail)
  const head = thread ? `${notice.state}: ` : headOf(notice, { max: room, count })
  return `${head}${shorten(notice.body, { max: room - count(head), count })}${tail}`
}

/** Takes no more than half of the room, unless the body leaves more. */
function headOf(notice: PostInput['notice'], { max, count }: Bound): string {
  const state = ` (${notice.state.toLowerCase()})\n\n`
  const most = Math.max(Math.floor(max / 2), max - count(notice.body)) - count(state)
  return `${shorten(`${notice.serviceName}: ${notice.title}`, { max: most, count })}${state}`
}

/** The whole text, or its beginning with an ellipsis. */
function shorten(text: string, { max, count }: Bound): string {
  if (count(text) <= max) return text
  const graphemes = [...segmenter.segment(text)].map(({ segment }) => segment)
  let kept = Math.min(graphemes.length, max) - 1
  const cut = () => `${graphemes.slice(0, Math.max(0, kept)).join('').trimEnd()}…`
  while (kept > 0 && count(cut()) > max) kept -= 1
  return cut()
}
