/** Gives a browser a device's or a proof's cookie. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../context.ts'
import { issuePass, readPass, type PassKind } from './passes.ts'

/** Does nothing where the device has one already; a proof is given for each sum: the one before may have been shown too widely. */
export function givePass(ctx: Ctx, request: FastifyRequest, reply: FastifyReply, kind: PassKind): void {
  const nowMs = ctx.clock.now().getTime()
  const hasOne = readPass(ctx.secrets.session, kind, request.headers.cookie, nowMs) !== null
  if (hasOne && kind === 'device') return
  const { name, value, maxAgeS } = issuePass(ctx.secrets.session, kind, nowMs)
  const isSecure = request.protocol === 'https' || (ctx.config.publicUrl?.startsWith('https:') ?? false)
  reply.header(
    'set-cookie',
    `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`,
  )
}
