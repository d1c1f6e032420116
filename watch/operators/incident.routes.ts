/** HTTP of incidents in the cockpit: each form calls one verb, which checks access again and writes the log. */
import { z } from 'zod'
import { CAUSES, OUTAGE_STATES, type OutageState } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { followUpsOf, isOverdue, openFollowUps, readImpact } from '../follow-up/index.ts'
import type { WatchApp } from '../http/http.ts'
import {
  confirmOutage,
  correctCause,
  explainIncident,
  incidentById,
  listAudit,
  listIncidents,
  mergeIncidents,
  openIncident,
  postUpdate,
  statusOf,
  type IncidentView,
} from '../incidents/index.ts'
import { gapsNow, pageOfIncident, rolesOf, runbooksFor } from '../on-call/index.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { actorOf, entryOf, safePath, seeOther } from './access.ts'
import { describeEntries } from './audit-words.ts'
import type { OperatorActor, OperatorAuth } from './auth.ts'
import { renderCockpit, type CockpitInput } from './cockpit-pages.ts'
import { draftExplanation, draftUpdate } from './drafts.ts'
import { chosenIds, required } from './form-fields.ts'
import { renderIncidentCockpit, type IncidentCockpitInput } from './incident-cockpit.ts'
import { renderSignIn } from './sign-in-pages.ts'

const IdParams = z.object({ id: z.string().max(64) })
const FirstQuery = z.object({
  service: z.string().max(63).optional().catch(undefined),
  back: z.string().optional(),
})
const TemplateQuery = z.object({ template: z.enum(OUTAGE_STATES).optional().catch(undefined) })
const Impact = z.enum(['minor', 'major', 'critical'])
/** How far back explanations are looked for. */
const RECENT = 200
const ACTIONS_SHOWN = 100

const NO_STORE = { maxAgeS: 0 } as const

const allViews = (ctx: WatchCtx) => ctx.catalog.services().map(({ id }) => statusOf(ctx, id))

const isOpen = ({ resolvedAtMs, mergedInto }: IncidentView): boolean =>
  resolvedAtMs === null && mergedInto === null

/** @throws {WatchError} not-found */
function incidentOf(ctx: WatchCtx, id: string): IncidentView {
  const incident = incidentById(ctx, id)
  if (!incident || !ctx.catalog.find(incident.serviceId)) throw notFound('incident', id)
  return incident
}

/** Registers the first page and that of an incident. */
export function registerIncidentPages(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate', { schema: { querystring: FirstQuery } }, async (request, reply) => {
    const actor = await auth.actorOf(request.headers.cookie)
    if (!actor) return sendPage(reply, renderSignIn(auth.count() > 0, safePath(request.query.back)), NO_STORE)
    return sendPage(reply, renderCockpit(readCockpit(ctx, actor, request.query.service)), NO_STORE)
  })
  app.get(
    '/operate/incidents/:id',
    { schema: { params: IdParams, querystring: TemplateQuery } },
    async (request, reply) => {
      const actor = await actorOf(auth, request, 'observer')
      const incident = incidentOf(ctx, request.params.id)
      const input = readIncident(ctx, auth, { actor, incident, template: request.query.template })
      return sendPage(reply, renderIncidentCockpit(input), NO_STORE)
    },
  )
}

function readCockpit(ctx: WatchCtx, actor: OperatorActor, serviceId: string | undefined): CockpitInput {
  const views = allViews(ctx)
  const now = ctx.clock.now()
  const entries = ctx.catalog.services()
  const overdue = listIncidents(ctx, { serviceId: null, limit: RECENT }).filter(
    (incident) => ctx.catalog.find(incident.serviceId) && isExplanationOverdue(incident, now.getTime()),
  )
  const open = views.flatMap(({ incidents }) => incidents.filter(isOpen))
  return {
    actor,
    views,
    open: open.map((incident) => ({ incident, page: pageOfIncident(ctx, incident) })),
    overdue,
    overdueFollowUps: openFollowUps(ctx).filter((followUp) =>
      isOverdue(followUp, zoneOf(ctx, incidentById(ctx, followUp.incidentId)), now.getTime()),
    ).length,
    gaps: entries.flatMap((entry) => gapsNow(ctx, entry)),
    troubles: ctx.troubles.list(),
    entries,
    chosen: entries.find(({ id }) => id === serviceId) ?? entries[0] ?? null,
    now,
  }
}

const zoneOf = (ctx: WatchCtx, incident: IncidentView | null): string =>
  (incident && ctx.catalog.find(incident.serviceId)?.timeZone) ?? 'Etc/UTC'

const isExplanationOverdue = (incident: IncidentView, nowMs: number): boolean =>
  incident.mergedInto === null &&
  incident.publicExplanation === null &&
  incident.explanationDueAtMs !== null &&
  incident.explanationDueAtMs < nowMs

function readIncident(
  ctx: WatchCtx,
  auth: OperatorAuth,
  input: {
    readonly actor: OperatorActor
    readonly incident: IncidentView
    readonly template: OutageState | undefined
  },
): IncidentCockpitInput {
  const { actor, incident, template: state } = input
  const view = statusOf(ctx, incident.serviceId)
  const entry = ctx.catalog.find(incident.serviceId)
  const now = ctx.clock.now()
  const impact = readImpact(ctx, incident)
  const followUps = followUpsOf(ctx, incident.id)
  return {
    actor,
    incident,
    view,
    now,
    entry,
    template: state ? { state, body: draftUpdate(incident, view, state, now.getTime()) } : null,
    others: view.incidents.filter((one) => isOpen(one) && one.id !== incident.id),
    explanationDraft: draftExplanation(incident, view, { impact, followUps }),
    impact,
    page: pageOfIncident(ctx, incident),
    roles: rolesOf(ctx, incident.id),
    runbooks: runbooksFor(entry, incident),
    operators: auth.list().map(({ name }) => name),
    followUps,
    actions: describeEntries(ctx, listAudit(ctx, { subject: incident.id, limit: ACTIONS_SHOWN })),
  }
}

/** Registers a form for each thing that can be done to an incident. */
export function registerIncidentForms(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
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
    const entry = entryOf(ctx, required(form, 'service', 'the service'))
    const { id } = await openIncident(ctx, {
      actor,
      serviceId: entry.id,
      title: required(form, 'title', 'a title'),
      body: required(form, 'body', 'what is known'),
      featureIds: chosenIds(form, 'features', entry),
      regions: chosenIds(form, 'regions', entry),
      impact: Impact.parse(form.get('impact')),
    })
    return seeOther(reply, path(id))
  })
}
