/** Gives a browser a device's or a proof's cookie, where it has none that is good. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../context.ts'
import { issuePass, readPass, type PassKind } from './passes.ts'

/** Does nothing where there is one already. */
export function givePass(ctx: Ctx, request: FastifyRequest, reply: FastifyReply, kind: PassKind): void {
  const nowMs = ctx.clock.now().getTime()
  if (readPass(ctx.secrets.session, kind, request.headers.cookie, nowMs) !== null) return
  const { name, value, maxAgeS } = issuePass(ctx.secrets.session, kind, nowMs)
  const isSecure = request.protocol === 'https' || (ctx.config.publicUrl?.startsWith('https:') ?? false)
  reply.header(
    'set-cookie',
    `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`,
  )
}
