/** Who watches, as views count them: an account, or a browser that carries a random cookie. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../../app/context.ts'
import { originOf } from '../../app/http.ts'

/** Either an account or a browser. */
export type ViewerIdentity =
  | { readonly accountId: string; readonly browserId: null }
  | { readonly accountId: null; readonly browserId: string }

export const BROWSER_COOKIE = 'upbeat.browser'
const BROWSER_ID_BYTES = 16
const BROWSER_ID = /(?:^|;\s*)upbeat\.browser=([A-Za-z0-9_-]{22})(?:;|$)/
const COOKIE_DAYS = 365
const HOUR_MS = 3_600_000

export const keyOf = (viewer: ViewerIdentity): string =>
  viewer.accountId === null ? `browser:${viewer.browserId}` : viewer.accountId

/** The beginning of the hour, in UTC. */
export const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS)

/** Who asks, without giving a cookie; null: signed out, in a browser not met before. */
function findViewerIdentity(request: FastifyRequest): ViewerIdentity | null {
  if (request.viewer) return { accountId: request.viewer.id, browserId: null }
  const browserId = BROWSER_ID.exec(request.headers.cookie ?? '')?.[1]
  return browserId === undefined ? null : { accountId: null, browserId }
}

/** Who asks; a signed-out browser not met before is given its cookie with the answer. */
export function identifyViewer(ctx: Ctx, request: FastifyRequest, reply: FastifyReply): ViewerIdentity {
  const known = findViewerIdentity(request)
  if (known) return known
  const browserId = ctx.randomBytes(BROWSER_ID_BYTES).toString('base64url')
  const isSecure = originOf(ctx, request).startsWith('https:')
  reply.header(
    'set-cookie',
    `${BROWSER_COOKIE}=${browserId}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${COOKIE_DAYS * 24 * 3600}${isSecure ? '; Secure' : ''}`,
  )
  return { accountId: null, browserId }
}
