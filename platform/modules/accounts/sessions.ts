/**
 * Who asks: the session cookie is checked by its signature, then against the session row, which is kept in memory for
 * a minute and dropped at once when any process revokes it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../../app/context.ts'
import { originOf, type App, type Viewer } from '../../app/http.ts'
import { notify, type Db, type Tx } from '../../infra/db/index.ts'
import { SESSION_COOKIE, SESSION_DAYS } from './auth.ts'
import * as queries from './accounts.queries.ts'

const CACHE_MS = 60_000
const CACHE_MAX = 50_000
const TOUCH_AFTER_MS = 3_600_000
const SESSION_MS = SESSION_DAYS * 24 * 3_600_000
const REVOKED_CHANNEL = 'session-revoked'

interface CachedSession {
  readonly viewer: Viewer
  readonly expiresAtMs: number
  readonly freshUntilMs: number
}

/** Reads the signed token out of a Cookie header; null when there is none or the signature is wrong. */
export function readSessionToken(cookieHeader: string | undefined, secret: string): string | null {
  const signed = readSignedToken(cookieHeader)
  return signed === null ? null : checkSignature(signed, secret)
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

/** Gives the browser its session. */
export function setSessionCookie(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  token: string | null,
): void {
  const isSecure = originOf(ctx, request).startsWith('https:')
  const value = token === null ? `${SESSION_COOKIE}=` : sessionCookieValue(token, ctx.secrets.session)
  const maxAgeS = token === null ? 0 : SESSION_MS / 1000
  reply.header(
    'set-cookie',
    `${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`,
  )
}

/** Tells every process to forget these sessions when the transaction commits. */
export async function announceRevoked(db: Db | Tx, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) await notify(db, REVOKED_CHANNEL, token)
}

/** Calls `handler` with the token of each session that any process revokes; the answer stops it. */
export const onSessionRevoked = (ctx: Pick<Ctx, 'listener'>, handler: (token: string) => void) =>
  ctx.listener.on(REVOKED_CHANNEL, (token) => handler(token as string))

/** Sets `request.viewer` on each request. Costs a signature check and a query a minute and session. */
export function registerSessions(app: App, ctx: Ctx): void {
  /** By the signed token: one that is in here was signed by us. */
  const cache = new Map<string, CachedSession>()
  const { session: secret } = ctx.secrets
  ctx.listener.on(REVOKED_CHANNEL, (token) => cache.delete(signToken(token as string, secret)))
  ctx.listener.onGap(() => cache.clear())

  async function load(signed: string): Promise<Viewer | null> {
    const nowMs = ctx.clock.now().getTime()
    const cached = cache.get(signed)
    if (cached && cached.freshUntilMs > nowMs && cached.expiresAtMs > nowMs) return cached.viewer
    const token = checkSignature(signed, secret)
    if (token === null) return null
    const row = await queries.findSession(ctx.db, token)
    if (!row || row.expiresAt.getTime() <= nowMs) {
      cache.delete(signed)
      return null
    }
    const viewer: Viewer = { id: row.id, handle: row.handle, role: row.role, sessionId: row.sessionId }
    if (cache.size >= CACHE_MAX) cache.clear()
    cache.set(signed, { viewer, expiresAtMs: row.expiresAt.getTime(), freshUntilMs: nowMs + CACHE_MS })
    if (nowMs - row.seenAt.getTime() > TOUCH_AFTER_MS) {
      await queries.touchSession(ctx.db, row.sessionId, {
        at: new Date(nowMs),
        expiresAt: new Date(nowMs + SESSION_MS),
      })
    }
    return viewer
  }

  app.addHook('onRequest', async (request) => {
    const signed = readSignedToken(request.headers.cookie)
    if (signed !== null) request.viewer = await load(signed)
  })
}
