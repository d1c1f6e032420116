/**
 * Posts by AT Protocol (docs.bsky.app): a session by app password, renewed and used again, and records whose key follows from
 * what is told: put again, it is the same record.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { PostTarget } from '../../configuration/index.ts'
import { composePost, countGraphemes } from './compose.ts'
import { parseJson, POST_TIMEOUT_MS, wishOf, type PostInput, type PostOutcome } from './poster.ts'
import { tidOf } from './tid.ts'

export type BlueskyTarget = Extract<PostTarget, { kind: 'bluesky' }>

/** app.bsky.feed.post: 300 graphemes, and 3,000 bytes; a grapheme of letters and emoji has ten at most. */
const MAX_GRAPHEMES = 300
const MAX_BYTES = 3_000
const COLLECTION = 'app.bsky.feed.post'
const CREDENTIALS_REMEDY =
  'Make a new app password in the settings of the account, and set it as the appPassword of this account.'

const Session = z.object({ did: z.string(), accessJwt: z.string(), refreshJwt: z.string() })
type Session = z.infer<typeof Session>
const Put = z.object({ uri: z.string(), cid: z.string() })
const Refusal = z.object({ error: z.string(), message: z.string().default('') })
/** A token that has run out, or that the server does not know any more. */
const STALE = new Set(['ExpiredToken', 'InvalidToken'])

interface Answer {
  readonly status: number
  readonly json: unknown
  readonly refusal: z.infer<typeof Refusal> | null
  readonly wish: { readonly afterS?: number }
}

export interface BlueskyPoster {
  /** Posts it, once however often it is called. Never throws. */
  post(target: BlueskyTarget, input: PostInput): Promise<PostOutcome>
}

/** Keeps its sessions in memory only. */
export function createBlueskyPoster(clock: Clock): BlueskyPoster {
  const sessions = createSessions(clock)
  const put = (target: BlueskyTarget, session: Session, input: PostInput): Promise<Answer> =>
    call(clock, target, {
      method: 'com.atproto.repo.putRecord',
      token: session.accessJwt,
      body: {
        repo: session.did,
        collection: COLLECTION,
        rkey: tidOf(input.notice.atMs, input.notice.id),
        record: recordOf(target, input),
      },
    })
  return {
    async post(target, input) {
      try {
        let session = await sessions.enter(target)
        if (!('did' in session)) return session
        let answer = await put(target, session, input)
        if (answer.refusal && STALE.has(answer.refusal.error)) {
          session = await sessions.renew(target, session)
          if (!('did' in session)) return session
          answer = await put(target, session, input)
        }
        const posted = Put.safeParse(answer.json)
        return answer.status === 200 && posted.success
          ? { kind: 'posted', ref: { id: posted.data.uri, cid: posted.data.cid } }
          : judge(answer)
      } catch (error) {
        return { kind: 'retry', error: (error as Error).message }
      }
    },
  }
}

/** Of each account and password one, used again until the server has enough of it. */
function createSessions(clock: Clock) {
  const sessions = new Map<string, Session>()

  async function signIn(target: BlueskyTarget): Promise<Session | PostOutcome> {
    const { identifier, appPassword: password } = target
    const body = { identifier, password }
    const answer = await call(clock, target, { method: 'com.atproto.server.createSession', body })
    const session = keep(target, answer)
    if (session) return session
    const outcome = judge(answer)
    // Whatever is wrong with signing in, it is not this post.
    return outcome.kind === 'impossible'
      ? { kind: 'ours', error: outcome.error, remedy: CREDENTIALS_REMEDY }
      : outcome
  }

  function keep(target: BlueskyTarget, { status, json }: Answer): Session | null {
    const session = Session.safeParse(json)
    if (status !== 200 || !session.success) return null
    sessions.set(nameOf(target), session.data)
    return session.data
  }
  return {
    /** The session that is open, else a new one. */
    enter: async (target: BlueskyTarget): Promise<Session | PostOutcome> =>
      sessions.get(nameOf(target)) ?? signIn(target),
    async renew(target: BlueskyTarget, { refreshJwt }: Session): Promise<Session | PostOutcome> {
      sessions.delete(nameOf(target))
      const method = 'com.atproto.server.refreshSession'
      const answer = await call(clock, target, { method, token: refreshJwt })
      const session = keep(target, answer)
      if (session) return session
      // A session that can't be renewed any more is begun anew; a server in trouble is left alone.
      return answer.status === 400 || answer.status === 401 ? signIn(target) : judge(answer)
    },
  }
}

async function call(
  clock: Clock,
  target: BlueskyTarget,
  { method, token, body }: { readonly method: string; readonly token?: string; readonly body?: unknown },
): Promise<Answer> {
  const answer = await sendGuarded({
    url: new URL(`/xrpc/${method}`, target.url).href,
    method: 'POST',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    timeoutMs: POST_TIMEOUT_MS,
    allowPrivate: target.allowPrivate,
  })
  const json = parseJson(answer.body.toString())
  return {
    status: answer.status,
    json,
    refusal: Refusal.safeParse(json).data ?? null,
    wish: wishOf(answer.headers, 'ratelimit-reset', clock.now()),
  }
}

/** The record: the same bytes for the same notice, so that putting it again changes nothing. */
export function recordOf(target: BlueskyTarget, input: PostInput) {
  const { notice, url, thread } = input
  const text = composePost(input, { max: MAX_GRAPHEMES, count: countForBluesky })
  const byteEnd = Buffer.byteLength(text)
  const ref = ({ id, cid }: { id: string; cid?: string }) => ({ uri: id, cid: cid ?? '' })
  return {
    $type: COLLECTION,
    text,
    createdAt: new Date(notice.atMs).toISOString(),
    langs: [target.language],
    // The link is the end of the text; facets count bytes of UTF-8.
    ...(url !== null && {
      facets: [
        {
          index: { byteStart: byteEnd - Buffer.byteLength(url), byteEnd },
          features: [{ $type: 'app.bsky.richtext.facet#link', uri: url }],
        },
      ],
    }),
    ...(thread && { reply: { root: ref(thread.root), parent: ref(thread.parent) } }),
  }
}

/** Graphemes, unless the bytes are nearer to their bound. */
const countForBluesky = (text: string): number =>
  Math.max(countGraphemes(text), Math.ceil((Buffer.byteLength(text) * MAX_GRAPHEMES) / MAX_BYTES))

function judge({ status, refusal, wish }: Answer): PostOutcome {
  const words = refusal ? `: ${refusal.error} ${refusal.message.slice(0, 200)}`.trimEnd() : ''
  const error = `Bluesky answered ${status}${words}.`
  if (status === 408 || status === 429 || status >= 500) return { kind: 'retry', error, ...wish }
  if (
    status === 401 ||
    status === 403 ||
    (refusal && (STALE.has(refusal.error) || refusal.error.startsWith('Account')))
  )
    return { kind: 'ours', error, remedy: CREDENTIALS_REMEDY }
  if (status === 200 || (status >= 300 && status < 400) || status === 404)
    return { kind: 'ours', error, remedy: 'Correct the url of this account.' }
  return { kind: 'impossible', error }
}

/** Another password, another session. */
const nameOf = ({ url, identifier, appPassword }: BlueskyTarget): string =>
  createHash('sha256')
    .update(JSON.stringify([url, identifier, appPassword]))
    .digest('base64url')
