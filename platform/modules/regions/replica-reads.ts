/** Which database an answer is read from that nobody changes anything by: the region's own replica, or the primary. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../../app/context.ts'
import { CATCHING_UP_FROM_S, regionsOf } from './regions.service.ts'

/** On each answer that was read from a replica, with how far that was behind, in seconds. */
export const READ_FROM_HEADER = 'upbeat-read-from'

/**
 * What such a route reads by. Visitors read the replica as long as it keeps up; who is signed in reads the primary, and
 * so finds what they have just done. While the primary is away everybody reads the replica, however far it is behind.
 */
export function readingFrom(
  ctx: Ctx,
  { viewer }: Pick<FastifyRequest, 'viewer'>,
  reply: Pick<FastifyReply, 'header'>,
): Ctx {
  const replica = regionsOf(ctx)?.replica ?? null
  if (replica === null || replica.behindS === null || ctx.config.protectionsOff.has('replica-reads'))
    return ctx
  const isChoice = ctx.databaseGuard.isUp
  if (isChoice && (viewer !== null || replica.behindS >= CATCHING_UP_FROM_S)) return ctx
  reply.header(READ_FROM_HEADER, `replica; behind=${Math.round(replica.behindS)}`)
  return replica.ctx
}
