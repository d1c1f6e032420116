/** HTTP of the cockpit: incidents, maintenance, the log, and who may operate. */
import { z } from 'zod'
import { OPERATOR_ROLES } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { registerFollowUps } from '../follow-up/index.ts'
import type { WatchApp } from '../http/http.ts'
import { listAudit } from '../incidents/index.ts'
import { registerOnCall, type OnCallParts } from '../on-call/index.ts'
import { formOf, sendPage } from '../pages/send-page.ts'
import { registerPeersPage } from '../peers/index.ts'
import { actorOf, seeOther } from './access.ts'
import { describeEntries } from './audit-words.ts'
import { renderAudit } from './audit-page.ts'
import type { OperatorAuth } from './auth.ts'
import { changeRole } from './change-role.ts'
import { registerIncidentForms, registerIncidentPages } from './incident.routes.ts'
import { invite } from './invitations.ts'
import { registerMaintenance } from './maintenance.routes.ts'
import { renderPeople } from './people-page.ts'

const IdParams = z.object({ id: z.string().max(64) })
const BeforeQuery = z.object({ before: z.coerce.number().int().optional().catch(undefined) })
const AUDIT_PAGE = 100

const NO_STORE = { maxAgeS: 0 } as const

/** Registers the cockpit's pages and forms. */
export function registerCockpit(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth, onCall: OnCallParts): void {
  registerIncidentPages(app, ctx, auth)
  registerIncidentForms(app, ctx, auth)
  registerMaintenance(app, ctx, auth)
  registerFollowUps(app, ctx, auth)
  registerOnCall(app, ctx, auth, onCall)
  registerPeersPage(app, ctx, auth)
  registerPeople(app, ctx, auth)
  app.get('/operate/audit', { schema: { querystring: BeforeQuery } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const { before } = request.query
    const entries = listAudit(ctx, { limit: AUDIT_PAGE, ...(before !== undefined && { beforeMs: before }) })
    const olderHref = entries.length === AUDIT_PAGE ? `/operate/audit?before=${entries.at(-1)!.atMs}` : null
    return sendPage(reply, renderAudit(actor, describeEntries(ctx, entries), olderHref), NO_STORE)
  })
}

function registerPeople(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate/people', async (request, reply) => {
    const actor = await actorOf(auth, request, 'admin')
    return sendPage(reply, renderPeople({ actor, people: auth.list(), invitation: null }), NO_STORE)
  })
  app.post('/operate/people', async (request, reply) => {
    const actor = await actorOf(auth, request, 'admin')
    const role = z.enum(OPERATOR_ROLES).parse(formOf(request).get('role'))
    const origin = ctx.config.publicUrl ?? `${request.protocol}://${request.host}`
    const invitation = `${origin}${await invite(ctx, { actor, role })}`
    return sendPage(reply, renderPeople({ actor, people: auth.list(), invitation }), NO_STORE)
  })
  app.post('/operate/people/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'admin')
    const { id } = request.params
    const role = z.enum([...OPERATOR_ROLES, 'none']).parse(formOf(request).get('role'))
    await changeRole(ctx, { actor, operatorId: id, role })
    if (role === 'none') auth.forget(id)
    return seeOther(reply, '/operate/people')
  })
}
