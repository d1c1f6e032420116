/**
 * Browsers in which an account was signed in, known by a cookie that outlives the session (OWASP, "Device cookies"). It names
 * nobody, and opens nothing: whoever shows it is spared what strangers pay.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from '../../../../kit/admission/index.ts'
import type { Ctx } from '../../../app/context.ts'
import { originOf } from '../../../app/http.ts'

export const DEVICE_COOKIE = 'upbeat.device'
const TOKEN_BYTES = 24
const TOKEN_CHARS = 32
/** Browsers keep no cookie for longer (RFC 6265bis, 5.5). */
export const DEVICE_MAX_AGE_S = 400 * 86_400

/** What the browser shows; null: nothing, or nothing of ours. */
export function deviceTokenOf(request: FastifyRequest): string | null {
  const token = readCookie(request.headers.cookie, DEVICE_COOKIE)
  return token?.length === TOKEN_CHARS ? token : null
}

export const newDeviceToken = (ctx: Pick<Ctx, 'randomBytes'>): string =>
  ctx.randomBytes(TOKEN_BYTES).toString('base64url')

export const hashDevice = (token: string): Buffer => createHash('sha256').update(token).digest()

/** Gives the browser its token, or makes it last longer. */
export function setDeviceCookie(ctx: Ctx, request: FastifyRequest, reply: FastifyReply, token: string): void {
  const isSecure = originOf(ctx, request).startsWith('https:')
  reply.header(
    'set-cookie',
    `${DEVICE_COOKIE}=${token}; Path=/api/; HttpOnly; SameSite=Lax; Max-Age=${DEVICE_MAX_AGE_S}${isSecure ? '; Secure' : ''}`,
  )
}
