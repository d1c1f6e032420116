/** Who asks: the session of a request, and the cookies that go back. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requireOperator, type OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import type { OperatorActor, OperatorAuth } from './auth.ts'

/**
 * The operator who asks.
 *
 * @throws {WatchError} signed-out; not-allowed below this role
 */
export async function actorOf(
  auth: OperatorAuth,
  request: FastifyRequest,
  atLeast: OperatorRole,
): Promise<OperatorActor> {
  const actor = await auth.actorOf(request.headers.cookie)
  if (!actor) throw new WatchError('signed-out', { next: 'Sign in at /operate, then do it again.' })
  requireOperator(actor, atLeast)
  return actor
}

/** @throws {WatchError} not-found when no such service is watched */
export function entryOf(ctx: WatchCtx, serviceId: string): ServiceEntry {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  return entry
}

/** Sends cookies along with the next answer. */
export function setCookies(reply: FastifyReply, cookies: readonly string[]): void {
  reply.header('set-cookie', [...cookies])
}

/** A page of the cockpit to go to after signing in; anything else is the first one. */
export const safePath = (path: string | null | undefined): string =>
  path != null && /^\/operate\/[\w/-]{1,100}$/.test(path) ? path : '/operate'

/** After a form: the browser asks for the page anew, so that a reload repeats nothing. */
export const seeOther = (reply: FastifyReply, path: string): FastifyReply =>
  reply.code(303).header('location', path).send()
