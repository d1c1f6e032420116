/** HTTP of being on call in the cockpit: each form calls one verb, which checks access again and writes the log. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { INCIDENT_ROLES, type ServiceEntry } from '../configuration/index.ts'
import type { WatchApp } from '../http/http.ts'
import { actorOf, seeOther } from '../operators/access.ts'
import type { OperatorActor, OperatorAuth } from '../operators/auth.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { originOfMessages } from '../telling/message-links.ts'
import { addDevice, endDevice, testPage } from './devices.ts'
import { viewOfPage } from './incident-block.ts'
import type { PageLinks } from './links.ts'
import { fromFieldValue } from './local-time.ts'
import { renderOnCallPage, type OnCallPageInput, type ServiceOnCall } from './on-call-page.ts'
import { subjectOf } from './page-notices.ts'
import { incidentIdOf, listOverrides } from './page-records.ts'
import { listDevices } from './receivers.ts'
import { shiftsOf } from './rota.ts'
import { personOfOperator, rotaOf, unreachable } from './targets.ts'
import { acknowledgePage, endOverride, giveRole, overrideRota } from './verbs.ts'

const IdParams = z.object({ id: z.string().max(64) })
const NoteQuery = z.object({ note: z.enum(['tested']).optional().catch(undefined) })
const PAGES_SHOWN = 20
const SHOWN_AHEAD_MS = 14 * 86_400_000
const HOUR_MS = 3_600_000

/** What being on call stands on, besides the context. */
export interface OnCallParts {
  readonly links: PageLinks
  readonly vapidPublicKey: string
}

export const PushDevice = z.object({
  endpoint: z.url({ protocol: /^https$/ }).max(1000),
  keys: z.object({
    p256dh: z.string().regex(/^[\w-]{87}=?$/, 'takes a public key of 65 bytes in base64url'),
    auth: z.string().regex(/^[\w-]{22}(?:==)?$/, 'takes 16 bytes in base64url'),
  }),
})

/** Registers the page, its forms, and answering from the cockpit. */
export function registerOnCall(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth, parts: OnCallParts): void {
  registerPage(app, ctx, auth, parts)
  registerOverrides(app, ctx, auth)
  registerDevices(app, ctx, auth)
  app.post('/operate/pages/:id/acknowledge', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const page = await acknowledgePage(ctx, parts.links, { actor, pageId: request.params.id })
    const incidentId = incidentIdOf(page)
    return seeOther(reply, incidentId === null ? '/operate/on-call' : `/operate/incidents/${incidentId}`)
  })
  app.post('/operate/incidents/:id/roles', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const role = z.enum(INCIDENT_ROLES).safeParse(form.get('role'))
    const person = fieldOf(form, 'person', 80)
    if (!role.success || person === null || !/^(person|operator):./.test(person))
      throw new WatchError('invalid-input', { detail: 'Choose who has the role.' })
    await giveRole(ctx, { actor, incidentId: request.params.id, role: role.data, person })
    return seeOther(reply, `/operate/incidents/${request.params.id}`)
  })
}

function registerPage(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth, parts: OnCallParts): void {
  app.get('/operate/on-call', { schema: { querystring: NoteQuery } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const note =
      request.query.note === 'tested'
        ? 'The test is on its way to all your addresses. What did not come can be seen in the log.'
        : null
    return sendPage(reply, renderOnCallPage(readPage(ctx, actor, parts, note)), { maxAgeS: 0 })
  })
}

function readPage(
  ctx: WatchCtx,
  actor: OperatorActor,
  { vapidPublicKey }: OnCallParts,
  note: string | null,
): OnCallPageInput {
  const now = ctx.clock.now()
  return {
    actor,
    now,
    note,
    vapidPublicKey,
    localOrigin: ctx.config.publicUrl === null ? originOfMessages(ctx) : null,
    services: ctx.catalog.services().map((entry) => readService(ctx, entry, actor, now.getTime())),
    devices: listDevices(ctx, actor.name),
    pages: ctx.pages.listLast(PAGES_SHOWN).map((page) => {
      const entry = ctx.catalog.find(page.serviceId)
      const { title, incident } = subjectOf(ctx, entry, page)
      const href = incident && entry ? `/operate/incidents/${incident.id}` : null
      return { view: viewOfPage(ctx, page), title, href }
    }),
  }
}

function readService(ctx: WatchCtx, entry: ServiceEntry, actor: OperatorActor, nowMs: number): ServiceOnCall {
  return {
    entry,
    rotas: entry.onCall.rotas.map(({ id, name }) => ({
      id,
      name,
      shifts: shiftsOf(rotaOf(ctx, entry, id)!, nowMs, nowMs + SHOWN_AHEAD_MS),
    })),
    overrides: listOverrides(ctx.store, entry.id, nowMs),
    ownPersonId: personOfOperator(entry, actor.name)?.id ?? null,
    unreachable: unreachable(ctx, entry),
  }
}

function registerOverrides(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.post('/operate/on-call/overrides', async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const entry = serviceOf(ctx, request)
    await overrideRota(ctx, {
      actor,
      serviceId: entry.id,
      rotaId: fieldOf(form, 'rota', 63) ?? '',
      personId: fieldOf(form, 'person', 63) ?? '',
      ...readSpan(form, entry.timeZone, ctx.clock.now().getTime()),
    })
    return seeOther(reply, '/operate/on-call')
  })
  app.post('/operate/on-call/overrides/:id/end', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    await endOverride(ctx, { actor, overrideId: request.params.id })
    return seeOther(reply, '/operate/on-call')
  })
}

/** Either `hours` from now, or `from` and `until` in the time zone of the service. */
function readSpan(
  form: URLSearchParams,
  timeZone: string,
  nowMs: number,
): { readonly fromMs: number; readonly untilMs: number } {
  const hours = z.coerce.number().min(1).max(1488).safeParse(fieldOf(form, 'hours'))
  if (hours.success) return { fromMs: nowMs, untilMs: nowMs + hours.data * HOUR_MS }
  const read = (name: string): number => {
    const atMs = fromFieldValue(fieldOf(form, name) ?? '', timeZone)
    if (atMs === null)
      throw new WatchError('invalid-input', {
        detail: 'A time looks like 2026-11-22T04:00.',
        fields: { [name]: 'is no date and time' },
      })
    return atMs
  }
  return { fromMs: read('from'), untilMs: read('until') }
}

function registerDevices(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.post('/operate/on-call/devices', { schema: { body: PushDevice } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const label = labelOf(request.headers['user-agent'] ?? '')
    return reply.code(201).send(await addDevice(ctx, { actor, label, address: JSON.stringify(request.body) }))
  })
  app.post('/operate/on-call/devices/:id/end', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    await endDevice(ctx, { actor, subscriptionId: request.params.id })
    return seeOther(reply, '/operate/on-call')
  })
  app.post('/operate/on-call/test', async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    await testPage(ctx, { actor, entry: serviceOf(ctx, request) })
    return seeOther(reply, '/operate/on-call?note=tested')
  })
}

/** @throws {WatchError} not-found */
function serviceOf(ctx: WatchCtx, request: FastifyRequest): ServiceEntry {
  const id = fieldOf(formOf(request), 'service', 63) ?? ''
  const entry = ctx.catalog.find(id)
  if (!entry) throw notFound('service', id)
  return entry
}

/** Words of a browser's name for itself, the more telling ones first: Edge says Chrome too, and Android Linux. */
const BROWSERS = { Firefox: 'Firefox', Edg: 'Edge', OPR: 'Opera', Chrome: 'Chrome', Safari: 'Safari' }
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'Linux']

/** Which browser it is, for a person who has several. */
function labelOf(userAgent: string): string {
  const [, browser = 'A browser'] = Object.entries(BROWSERS).find(([word]) => userAgent.includes(word)) ?? []
  const system = SYSTEMS.find((word) => userAgent.includes(word))
  return system ? `${browser} on ${system}` : browser
}
