/**
 * Who asks: the session cookie is checked by its signature, then against the session row, which is kept in memory for
 * a minute and dropped at once when any process revokes it. While the database is away, what is in memory stays good, and
 * whoever is not in there shows an assertion of the last day (assertions.ts) that was not revoked (revocations.ts).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { takeHint } from '../../../app/admission.ts'
import type { Ctx } from '../../../app/context.ts'
import { originOf, type App, type Viewer } from '../../../app/http.ts'
import { isDatabaseUnavailable, notify, type Tx } from '../../../infra/db/index.ts'
import {
  ASSERTION_COOKIE,
  ASSERTION_RENEWED_MS,
  ASSERTION_VALID_MS,
  COOKIE_MAX_BYTES,
  hashToken,
  readAssertion,
  signAssertion,
  type Assertion,
} from './assertions.ts'
import { SESSION_COOKIE, SESSION_DAYS } from '../auth.ts'
import * as queries from '../accounts.queries.ts'
import { loadMe } from '../profile/me.ts'
import { openRevocations, REVOKED_CHANNEL, type Revocations } from './revocations.ts'

const CACHE_MS = 60_000
const CACHE_MAX = 50_000
const TOUCH_AFTER_MS = 3_600_000
const SESSION_MS = SESSION_DAYS * 24 * 3_600_000
/** Segments and pictures need not carry it. */
const ASSERTION_PATH = '/api'

interface CachedSession {
  readonly viewer: Viewer
  readonly expiresAtMs: number
  readonly freshUntilMs: number
  /** When this session's browser was given an assertion that we know of; null: never. */
  readonly assertedAtMs: number | null
}

/** Reads the signed token out of a Cookie header; null when there is none or the signature is wrong. */
export function readSessionToken(cookieHeader: string | undefined, secret: string): string | null {
  const signed = readSignedToken(cookieHeader)
  return signed === null ? null : checkSignature(signed, secret)
}

/** The same without a look at the signature: for whoever trusts nothing that it says. */
export function peekSessionToken(cookieHeader: string | undefined): string | null {
  const signed = readSignedToken(cookieHeader)
  const dot = signed?.lastIndexOf('.') ?? -1
  return dot < 1 ? null : signed!.slice(0, dot)
}

/** As the browser sent it: nothing is checked yet. */
function readSignedToken(cookieHeader: string | undefined): string | null {
  if (!cookieHeader) return null
  const start = cookieHeader.indexOf(`${SESSION_COOKIE}=`)
  if (start < 0) return null
  const end = cookieHeader.indexOf(';', start)
  const raw = cookieHeader.slice(start + SESSION_COOKIE.length + 1, end < 0 ? undefined : end)
  try {
    return decodeURIComponent(raw)
  } catch {
    return null
  }
}

/** The token; null when the signature is wrong. */
function checkSignature(signed: string, secret: string): string | null {
  const dot = signed.lastIndexOf('.')
  if (dot < 1) return null
  const token = signed.slice(0, dot)
  // Compared as text: decoding base64 would forgive characters that were appended.
  const given = Buffer.from(signed)
  const expected = Buffer.from(signToken(token, secret))
  return given.length === expected.length && timingSafeEqual(given, expected) ? token : null
}

const signToken = (token: string, secret: string) =>
  `${token}.${createHmac('sha256', secret).update(token).digest('base64')}`

/** The Cookie header value that signs in with this session token; better-auth reads the same form. */
export function sessionCookieValue(token: string, secret: string): string {
  return `${SESSION_COOKIE}=${encodeURIComponent(signToken(token, secret))}`
}

/** Gives the browser its session; null takes it away, and what goes with it. */
export function setSessionCookie(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  token: string | null,
): void {
  const value = token === null ? `${SESSION_COOKIE}=` : sessionCookieValue(token, ctx.secrets.session)
  setCookie(ctx, request, reply, { value, path: '/', maxAgeS: token === null ? 0 : SESSION_MS / 1000 })
  if (token !== null) return
  setCookie(ctx, request, reply, { value: `${ASSERTION_COOKIE}=`, path: ASSERTION_PATH, maxAgeS: 0 })
  takeHint(request, reply)
}

function setCookie(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  { value, path, maxAgeS }: { readonly value: string; readonly path: string; readonly maxAgeS: number },
): void {
  const isSecure = originOf(ctx, request).startsWith('https:')
  reply.header(
    'set-cookie',
    `${value}; Path=${path}; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`,
  )
}

/** The assertion that the browser shows with its session; null: none that is good. */
export function assertionOf(ctx: Ctx, request: FastifyRequest): Assertion | null {
  const { session: secret } = ctx.secrets
  const token = readSessionToken(request.headers.cookie, secret)
  const nowMs = ctx.clock.now().getTime()
  return token === null ? null : readAssertion(request.headers.cookie, { secret, token, nowMs })
}

/** Gives the browser of a session an assertion, where it has none or an older one. Needs the database. */
export async function renewAssertion(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  token = readSessionToken(request.headers.cookie, ctx.secrets.session),
): Promise<void> {
  const { session: secret } = ctx.secrets
  const nowMs = ctx.clock.now().getTime()
  if (token === null) return
  const held = readAssertion(request.headers.cookie, { secret, token, nowMs })
  if (held && nowMs - held.issuedAtMs < ASSERTION_RENEWED_MS) return
  const row = await queries.findSession(ctx.db, token)
  if (!row) return
  const signed = signAssertion(secret, token, {
    account: await loadMe(ctx, row.id),
    sessionId: row.sessionId,
    expiresAtMs: row.expiresAt.getTime(),
    issuedAtMs: nowMs,
  })
  const value = `${ASSERTION_COOKIE}=${signed}`
  if (value.length > COOKIE_MAX_BYTES) return
  setCookie(ctx, request, reply, { value, path: ASSERTION_PATH, maxAgeS: ASSERTION_VALID_MS / 1_000 })
}

/**
 * Tells every process to forget these sessions when the transaction commits, and writes down that they were ended. Once it
 * has committed, `keepRevoked` (revocations.ts) writes it where it is found without the database.
 */
export async function announceRevoked(
  ctx: Pick<Ctx, 'clock'>,
  tx: Tx,
  tokens: readonly string[],
): Promise<void> {
  const hashes = tokens.map((token) => Buffer.from(hashToken(token), 'base64url'))
  await queries.insertRevocations(tx, hashes, ctx.clock.now())
  for (const token of tokens) await notify(tx, REVOKED_CHANNEL, token)
}

/** Calls `handler` with the token of each session that any process revokes; the answer stops it. */
export const onSessionRevoked = (ctx: Pick<Ctx, 'listener'>, handler: (token: string) => void) =>
  ctx.listener.on(REVOKED_CHANNEL, (token) => handler(token as string))

/**
 * Sets `request.viewer` on each request. Costs a signature check and a query a minute and session.
 *
 * @param revocations closed together with the app
 */
export function registerSessions(app: App, ctx: Ctx, revocations = openRevocations(ctx)): void {
  /** By the signed token: one that is in here was signed by us. */
  const cache = new Map<string, CachedSession>()
  const { session: secret } = ctx.secrets
  const stops = [
    ctx.listener.on(REVOKED_CHANNEL, (token) => cache.delete(signToken(token as string, secret))),
    ctx.listener.onGap(() => cache.clear()),
  ]
  app.addHook('onClose', async () => {
    stops.forEach((stop) => stop())
    revocations[Symbol.dispose]()
  })

  /** As the database has it. Undefined: there is no such session. */
  async function lookUp(signed: string, token: string, nowMs: number): Promise<CachedSession | undefined> {
    const row = await queries.findSession(ctx.db, token)
    if (!row || row.expiresAt.getTime() <= nowMs) {
      cache.delete(signed)
      return undefined
    }
    const session: CachedSession = {
      viewer: { id: row.id, handle: row.handle, role: row.role, sessionId: row.sessionId },
      expiresAtMs: row.expiresAt.getTime(),
      freshUntilMs: nowMs + CACHE_MS,
      assertedAtMs: cache.get(signed)?.assertedAtMs ?? null,
    }
    if (cache.size >= CACHE_MAX) cache.clear()
    cache.set(signed, session)
    if (nowMs - row.seenAt.getTime() > TOUCH_AFTER_MS) {
      await queries.touchSession(ctx.db, row.sessionId, {
        at: new Date(nowMs),
        expiresAt: new Date(nowMs + SESSION_MS),
      })
    }
    return session
  }

  /** Once in a while, to a browser that shows one: it is given its first where it signs in or asks who it is. */
  async function assertOnce(
    signed: string,
    session: CachedSession,
    request: FastifyRequest,
    reply: FastifyReply,
    nowMs: number,
  ): Promise<void> {
    if (!request.headers.cookie?.includes(`${ASSERTION_COOKIE}=`)) return
    if (session.assertedAtMs !== null && nowMs - session.assertedAtMs < ASSERTION_RENEWED_MS) return
    cache.set(signed, { ...session, assertedAtMs: nowMs })
    await renewAssertion(ctx, request, reply)
  }

  async function identify(
    signed: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Viewer | null> {
    const nowMs = ctx.clock.now().getTime()
    const cached = cache.get(signed)
    const isHere = cached !== undefined && cached.expiresAtMs > nowMs
    if (isHere && cached.freshUntilMs > nowMs) return cached.viewer
    const token = checkSignature(signed, secret)
    if (token === null) return null
    try {
      const session = await lookUp(signed, token, nowMs)
      if (!session) return null
      await assertOnce(signed, session, request, reply, nowMs)
      return session.viewer
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error
    }
    // That it was ended may have been written down without our hearing of it before the database went.
    if (isHere && !(await revocations.isRevoked(token))) return { ...cached.viewer, isUnchecked: true }
    const viewer = await viewerByAssertion(ctx, revocations, request, token)
    request.isViewerUnknown = viewer === null
    return viewer
  }

  app.addHook('onRequest', async (request, reply) => {
    const signed = readSignedToken(request.headers.cookie)
    if (signed !== null) request.viewer = await identify(signed, request, reply)
  })
}

/** Whom the browser's assertion names. Without a list of revocations to vouch for, nobody is let in as an operator. */
async function viewerByAssertion(
  ctx: Ctx,
  revocations: Revocations,
  request: FastifyRequest,
  token: string,
): Promise<Viewer | null> {
  const assertion = assertionOf(ctx, request)
  if (!assertion || (await revocations.isRevoked(token))) return null
  const { id, handle, role } = assertion.account
  return {
    id,
    handle,
    role: role === 'operator' && !(await revocations.isVouchedFor()) ? 'member' : role,
    sessionId: assertion.sessionId,
    isUnchecked: true,
  }
}
