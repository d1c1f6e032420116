/** HTTP of follow-ups: each form calls one verb, which checks access again and writes the log. */
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import { incidentById } from '../incidents/index.ts'
import { actorOf, seeOther } from '../operators/access.ts'
import type { OperatorAuth } from '../operators/auth.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { renderFollowUps } from './follow-up-pages.ts'
import { addFollowUp, finishFollowUp, openFollowUps } from './follow-ups.ts'

const IdParams = z.object({ id: z.string().max(64) })
/** Beyond the longest that is taken, so that a longer text is refused and not cut. */
const FIELD_MAX = 1_000

/** Registers the list and its forms. */
export function registerFollowUps(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate/follow-ups', async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const followUps = openFollowUps(ctx).map((followUp) => {
      const incident = incidentById(ctx, followUp.incidentId)
      const entry = incident && ctx.catalog.find(incident.serviceId)
      return {
        followUp,
        timeZone: entry?.timeZone ?? 'Etc/UTC',
        incidentTitle: incident?.title ?? 'An incident',
      }
    })
    return sendPage(reply, renderFollowUps({ actor, now: ctx.clock.now(), followUps }), { maxAgeS: 0 })
  })
  app.post('/operate/incidents/:id/follow-ups', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const incidentId = request.params.id
    await addFollowUp(ctx, {
      actor,
      incidentId,
      text: fieldOf(form, 'text', FIELD_MAX) ?? '',
      owner: fieldOf(form, 'owner', FIELD_MAX) ?? '',
      dueOn: fieldOf(form, 'due'),
    })
    return seeOther(reply, `/operate/incidents/${incidentId}#follow-ups`)
  })
  app.post('/operate/follow-ups/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const done = z.enum(['yes', 'no']).safeParse(formOf(request).get('done'))
    if (!done.success) throw new WatchError('invalid-input', { detail: 'Say whether it is done.' })
    const isDone = done.data === 'yes'
    const { incidentId } = await finishFollowUp(ctx, { actor, followUpId: request.params.id, isDone })
    return seeOther(reply, isDone ? '/operate/follow-ups' : `/operate/incidents/${incidentId}#follow-ups`)
  })
}
