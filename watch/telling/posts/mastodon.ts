/** Posts by Mastodon's API (docs.joinmastodon.org/methods/statuses). Its servers remember an idempotency key for an hour. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { PostTarget } from '../../configuration/index.ts'
import { composePost, countGraphemes } from './compose.ts'
import { parseJson, POST_TIMEOUT_MS, wishOf, type PostInput, type PostOutcome } from './poster.ts'

export type MastodonTarget = Extract<PostTarget, { kind: 'mastodon' }>

/** Every address counts as so many characters, however long it is; we count long ones in full, to be safe. */
const URL_LENGTH = 23
const Status = z.object({ id: z.string() })
const Refusal = z.object({ error: z.string() })

const REMEDY =
  'Make a new access token with the scope write:statuses, and set it as the token of this account.'

/** Posts it, once however often it is called within an hour. Never throws. */
export async function postToMastodon(
  clock: Clock,
  target: MastodonTarget,
  input: PostInput,
): Promise<PostOutcome> {
  const { notice, thread } = input
  const text = composePost(
    { ...input, notice: { ...notice, body: pingNobody(notice.body), title: pingNobody(notice.title) } },
    { max: target.maxCharacters, count: countForMastodon },
  )
  try {
    const answer = await sendGuarded({
      url: new URL('/api/v1/statuses', target.url).href,
      method: 'POST',
      headers: {
        authorization: `Bearer ${target.token}`,
        'content-type': 'application/json',
        'idempotency-key': keyOf(target, input),
      },
      body: JSON.stringify({
        status: text,
        visibility: target.visibility,
        language: target.language,
        ...(thread && { in_reply_to_id: thread.parent.id }),
      }),
      timeoutMs: POST_TIMEOUT_MS,
      allowPrivate: target.allowPrivate,
    })
    return judge(answer.status, answer.body.toString(), {
      isReply: thread !== null,
      wish: wishOf(answer.headers, 'x-ratelimit-reset', clock.now()),
    })
  } catch (error) {
    return { kind: 'retry', error: (error as Error).message }
  }
}

function judge(
  status: number,
  body: string,
  { isReply, wish }: { readonly isReply: boolean; readonly wish: { readonly afterS?: number } },
): PostOutcome {
  if (status === 200) {
    const posted = Status.safeParse(parseJson(body))
    if (posted.success) return { kind: 'posted', ref: { id: posted.data.id } }
    return {
      kind: 'ours',
      error: 'What answered is no Mastodon.',
      remedy: 'Correct the url of this account.',
    }
  }
  const refusal = Refusal.safeParse(parseJson(body)).data?.error
  const error = `Mastodon answered ${status}${refusal ? `: ${refusal.slice(0, 200)}` : ''}.`
  if (status === 401 || status === 403) return { kind: 'ours', error, remedy: REMEDY }
  // What it replies to was deleted: 404, in newer versions 422 with these words.
  if (isReply && (status === 404 || (status === 422 && /reply/i.test(refusal ?? ''))))
    return { kind: 'orphaned', error }
  if (status === 404 || (status >= 300 && status < 400))
    return { kind: 'ours', error, remedy: 'Correct the url of this account.' }
  if (status === 408 || status === 429 || status >= 500) return { kind: 'retry', error, ...wish }
  return { kind: 'impossible', error }
}

/** An invisible space after each @: texts of operators and catalogues mention nobody. */
const pingNobody = (text: string): string => text.replace(/@(?=\w)/g, '@\u200B')

/** As Mastodon counts: graphemes, and addresses at no less than their fixed length. */
export const countForMastodon = (text: string): number => {
  let extra = 0
  for (const [address] of text.matchAll(/https?:\/\/\S+/g))
    extra += Math.max(0, URL_LENGTH - countGraphemes(address))
  return countGraphemes(text) + extra
}

/** A reply that has lost its thread is another post. */
const keyOf = (target: MastodonTarget, { notice, thread }: PostInput): string =>
  createHash('sha256')
    .update(`${target.id}\n${notice.id}\n${thread ? 'reply' : 'root'}`)
    .digest('base64url')
