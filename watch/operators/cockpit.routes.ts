/** HTTP of the cockpit: each form calls one verb, which checks access again and writes the log. */
import { z } from 'zod'
import { CAUSES, OUTAGE_STATES, type OutageState } from '../../engines/detect/types.ts'
import { OPERATOR_ROLES } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import {
  auditStatement,
  confirmOutage,
  correctCause,
  explainIncident,
  incidentById,
  listAudit,
  listIncidents,
  listMaintenances,
  mergeIncidents,
  openIncident,
  postUpdate,
  scheduleMaintenance,
  statusOf,
  updateMaintenance,
  type IncidentView,
} from '../incidents/index.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { actorOf, seeOther } from './access.ts'
import type { OperatorAuth } from './auth.ts'
import { renderAudit, renderCockpit, renderMaintenances, renderPeople } from './cockpit-pages.ts'
import { renderIncidentCockpit } from './incident-cockpit.ts'
import { draftExplanation, draftUpdate } from './drafts.ts'
import { invite, revokeInvitationsStatement } from './invitations.ts'
import { renderSignIn } from './sign-in-pages.ts'

const IdParams = z.object({ id: z.string().max(64) })
const TemplateQuery = z.object({ template: z.enum(OUTAGE_STATES).optional().catch(undefined) })
const BeforeQuery = z.object({ before: z.coerce.number().int().optional().catch(undefined) })
const Impact = z.enum(['minor', 'major', 'critical'])
const MaintenanceStep = z.enum(['in_progress', 'verifying', 'completed'])
const BODY_MAX = 10_000
const AUDIT_PAGE = 100
/** How far back explanations are looked for. */
const RECENT = 200

const NO_STORE = { maxAgeS: 0 } as const

/** Registers the cockpit's pages and forms. */
export function registerCockpit(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  registerIncidentPages(app, ctx, auth)
  registerIncidentForms(app, ctx, auth)
  registerMaintenance(app, ctx, auth)
  registerPeople(app, ctx, auth)
  app.get('/operate/audit', { schema: { querystring: BeforeQuery } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const { before } = request.query
    const entries = listAudit(ctx, { limit: AUDIT_PAGE, ...(before !== undefined && { beforeMs: before }) })
    const olderHref = entries.length === AUDIT_PAGE ? `/operate/audit?before=${entries.at(-1)!.atMs}` : null
    return sendPage(reply, renderAudit(actor, entries, olderHref), NO_STORE)
  })
}

const allViews = (ctx: WatchCtx) => ctx.catalog.services().map(({ id }) => statusOf(ctx, id))

const isOpen = ({ resolvedAtMs, mergedInto }: IncidentView): boolean =>
  resolvedAtMs === null && mergedInto === null

/** @throws {WatchError} not-found */
function incidentOf(ctx: WatchCtx, id: string): IncidentView {
  const incident = incidentById(ctx, id)
  if (!incident || !ctx.catalog.find(incident.serviceId)) throw notFound('incident', id)
  return incident
}

function registerIncidentPages(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate', async (request, reply) => {
    const actor = await auth.actorOf(request.headers.cookie)
    if (!actor) return sendPage(reply, renderSignIn(auth.count() > 0), NO_STORE)
    const views = allViews(ctx)
    const now = ctx.clock.now()
    const recent = listIncidents(ctx, { serviceId: null, limit: RECENT }).filter(({ serviceId }) =>
      ctx.catalog.find(serviceId),
    )
    const overdue = recent.filter(
      ({ explanationDueAtMs, publicExplanation, mergedInto }) =>
        mergedInto === null &&
        publicExplanation === null &&
        explanationDueAtMs !== null &&
        explanationDueAtMs < now.getTime(),
    )
    const open = views.flatMap(({ incidents }) => incidents.filter(isOpen))
    return sendPage(reply, renderCockpit({ actor, views, open, overdue, now }), NO_STORE)
  })
  app.get(
    '/operate/incidents/:id',
    { schema: { params: IdParams, querystring: TemplateQuery } },
    async (request, reply) => {
      const actor = await actorOf(auth, request, 'observer')
      const incident = incidentOf(ctx, request.params.id)
      const view = statusOf(ctx, incident.serviceId)
      const now = ctx.clock.now()
      const { template: state } = request.query
      const template = state ? { state, body: draftUpdate(incident, view, state, now.getTime()) } : null
      const others = view.incidents.filter((one) => isOpen(one) && one.id !== incident.id)
      const explanationDraft = draftExplanation(incident, view)
      const input = { actor, incident, view, now, template, explanationDraft, others }
      return sendPage(reply, renderIncidentCockpit(input), NO_STORE)
    },
  )
}

function registerIncidentForms(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  const path = (id: string) => `/operate/incidents/${id}`
  app.post('/operate/incidents/:id/confirm', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const { id } = await confirmOutage(ctx, { actor, incidentId: request.params.id })
    return seeOther(reply, path(id))
  })
  app.post('/operate/incidents/:id/cause', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const cause = z
      .enum(CAUSES)
      .nullable()
      .parse(fieldOf(formOf(request), 'cause'))
    const { id } = await correctCause(ctx, { actor, incidentId: request.params.id, cause })
    return seeOther(reply, path(id))
  })
  app.post('/operate/incidents/:id/updates', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const state: OutageState = z.enum(OUTAGE_STATES).parse(form.get('state'))
    const body = required(form, 'body', 'what people read')
    const { id } = await postUpdate(ctx, { actor, incidentId: request.params.id, state, body })
    return seeOther(reply, path(id))
  })
  app.post('/operate/incidents/:id/merge', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const incidentIds = formOf(request).getAll('ids').slice(0, 100)
    const { id } = await mergeIncidents(ctx, { actor, intoId: request.params.id, incidentIds })
    return seeOther(reply, path(id))
  })
  app.post('/operate/incidents/:id/explanation', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const body = required(formOf(request), 'body', 'the explanation')
    const { id } = await explainIncident(ctx, { actor, incidentId: request.params.id, body })
    return seeOther(reply, path(id))
  })
  app.post('/operate/incidents', async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const { id } = await openIncident(ctx, {
      actor,
      serviceId: required(form, 'service', 'the service'),
      title: required(form, 'title', 'a title'),
      body: required(form, 'body', 'what is known'),
      featureIds: listOf(form, 'features'),
      regions: listOf(form, 'regions'),
      impact: Impact.parse(form.get('impact')),
    })
    return seeOther(reply, path(id))
  })
}

function registerMaintenance(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate/maintenances', async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const views = allViews(ctx)
    const maintenances = views.flatMap(({ service }) =>
      listMaintenances(ctx, { serviceId: service.id, limit: 50 }),
    )
    return sendPage(reply, renderMaintenances({ actor, views, maintenances }), NO_STORE)
  })
  app.post('/operate/maintenances', async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    await scheduleMaintenance(ctx, {
      actor,
      serviceId: required(form, 'service', 'the service'),
      title: required(form, 'title', 'a title'),
      body: required(form, 'body', 'what people read'),
      featureIds: listOf(form, 'features'),
      regions: [],
      scheduledForMs: instantOf(form, 'from'),
      scheduledUntilMs: instantOf(form, 'until'),
    })
    return seeOther(reply, '/operate/maintenances')
  })
  app.post('/operate/maintenances/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    await updateMaintenance(ctx, {
      actor,
      maintenanceId: request.params.id,
      status: MaintenanceStep.parse(form.get('status')),
      body: required(form, 'body', 'what people read'),
    })
    return seeOther(reply, '/operate/maintenances')
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
    // Who can take their own rights away may leave a watch without anyone who can.
    if (id === actor.id)
      throw new WatchError('not-allowed', { detail: 'Another admin has to change your role.' })
    const role = z.enum([...OPERATOR_ROLES, 'none']).parse(formOf(request).get('role'))
    await ctx.store.write([
      auditStatement(ctx, { actor, action: 'change-role', subject: id, facts: { role } }),
      ...(role === 'admin' ? [] : [revokeInvitationsStatement(id)]),
    ])
    if (role === 'none') auth.remove(id)
    else auth.setRole(id, role)
    return seeOther(reply, '/operate/people')
  })
}

function required(form: URLSearchParams, name: string, words: string): string {
  const value = fieldOf(form, name, BODY_MAX)
  if (value === null)
    throw new WatchError('invalid-input', { detail: `Fill in ${words}.`, fields: { [name]: 'is missing' } })
  return value
}

const listOf = (form: URLSearchParams, name: string): string[] =>
  (fieldOf(form, name, 2000) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

function instantOf(form: URLSearchParams, name: string): number {
  const ms = Date.parse(`${required(form, name, 'when')}Z`)
  if (Number.isNaN(ms))
    throw new WatchError('invalid-input', { detail: 'A time looks like 2026-11-22T04:00.' })
  return ms
}
