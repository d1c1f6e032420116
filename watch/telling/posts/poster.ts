/** What a public network has to be able to do: one post, as a reply or not, the same one once. */
import type { Notice } from '../notices.ts'

/** Where a post is: Mastodon's id, or Bluesky's URI and CID. */
export interface PostRef {
  readonly id: string
  /** Bluesky's, which names the very content. */
  readonly cid?: string
}

export interface Thread {
  readonly root: PostRef
  readonly parent: PostRef
}

export interface PostInput {
  readonly notice: Notice
  /** Where people read more; null: the watch has no public address. */
  readonly url: string | null
  /** What it replies to; null: it begins a thread. */
  readonly thread: Thread | null
}

export type PostOutcome =
  | {
      readonly kind: 'posted'
      readonly ref: PostRef
      /** Where its thread begins, when that is not where the last post's did. */
      readonly root?: PostRef
    }
  /** What it replies to is gone: post it without. */
  | { readonly kind: 'orphaned'; readonly error: string }
  | { readonly kind: 'retry'; readonly error: string; readonly afterS?: number }
  | { readonly kind: 'impossible'; readonly error: string }
  /** Our account or its secret: nothing will be taken before the operator has done something. */
  | { readonly kind: 'ours'; readonly error: string; readonly remedy: string }

export const POST_TIMEOUT_MS = 15_000
const LONGEST_WISH_S = 6 * 3600

/** `Retry-After` in seconds, else a header that names the instant of the next attempt (Mastodon: ISO 8601, Bluesky: Unix seconds). */
export function wishOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  resetHeader: string,
  now: Date,
): { readonly afterS?: number } {
  const after = Number(headers['retry-after'])
  if (after > 0) return { afterS: Math.min(after, LONGEST_WISH_S) }
  const reset = String(headers[resetHeader] ?? '')
  const resetMs = /^\d+$/.test(reset) ? Number(reset) * 1000 : Date.parse(reset)
  const afterS = Math.ceil((resetMs - now.getTime()) / 1000)
  return afterS > 0 ? { afterS: Math.min(afterS, LONGEST_WISH_S) } : {}
}

/** Null for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
