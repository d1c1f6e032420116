/** What people do on call: answer a page, stand in for somebody, take a role. Each leaves a line in the audit log. */
import { nameOfActor, requireOperator, type Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { INCIDENT_ROLES, type IncidentRole, type ServiceEntry } from '../configuration/index.ts'
import { auditStatement, incidentById } from '../incidents/index.ts'
import { adoptionOf } from '../peers/adoption.ts'
import { retryRaces } from '../store/index.ts'
import type { PageLinks } from './links.ts'
import { incidentIdOf, writeRole, writeRoleIfFree, type PageRecord } from './page-records.ts'
import { holderOf, targetName } from './targets.ts'
import { toldMessages } from './told-again.ts'

const OVERRIDE_MAX_MS = 62 * 86_400_000

/**
 * Answers a page: nobody else is called. Idempotent; the first answer counts, and one to a page that is over changes
 * nothing. Whoever answers leads the incident until somebody else is named.
 *
 * @throws {WatchError} not-found, not-allowed
 */
export async function acknowledgePage(
  ctx: WatchCtx,
  links: PageLinks,
  input: { readonly actor: Actor; readonly pageId: string },
): Promise<PageRecord> {
  const { actor } = input
  if (actor.kind !== 'on-call') requireOperator(actor, 'responder')
  return retryRaces(async () => {
    const page = ctx.pages.find(input.pageId)
    if (!page) throw notFound('page', input.pageId)
    if (page.state === 'acknowledged' || page.state === 'over') return page
    const nowMs = ctx.clock.now().getTime()
    const by = nameOfActor(actor)
    const after: PageRecord = { ...page, state: 'acknowledged', acknowledgedAtMs: nowMs, acknowledgedBy: by }
    const namedId = incidentIdOf(page)
    // Another watch's, or one of two that turned out to be one.
    const incidentId = (namedId === null ? null : incidentById(ctx, namedId)?.id) ?? null
    const entry = ctx.catalog.find(page.serviceId)
    const person = actor.kind === 'on-call' ? `person:${actor.id}` : `operator:${nameOnly(actor)}`
    const commander = { role: 'commander', person, sinceMs: nowMs } as const
    await ctx.pages.keep({
      changes: [{ after, before: page }],
      messages: entry ? answeredMessages(ctx, links, entry, after, actor) : [],
      incidentId,
      statements: [
        ...(incidentId === null
          ? []
          : [...adoptionOf(ctx, incidentId), writeRoleIfFree(incidentId, commander)]),
        auditStatement(ctx, {
          actor,
          action: 'acknowledge-page',
          subject: incidentId ?? namedId ?? page.serviceId,
          facts: { page: page.id, afterMs: nowMs - page.openedAtMs },
        }),
      ],
    })
    return after
  })
}

const answeredMessages = (
  ctx: WatchCtx,
  links: PageLinks,
  entry: ServiceEntry,
  page: PageRecord,
  actor: Actor,
) =>
  toldMessages(ctx, links, {
    entry,
    page,
    word: 'acknowledged',
    by: nameOnly(actor),
    ...(actor.kind === 'on-call' && { exceptPersonId: actor.id }),
  })

/** What people call whoever it was. */
const nameOnly = (actor: Actor): string =>
  actor.kind === 'watch' ? 'the watch' : actor.kind === 'key' ? actor.id : actor.name

/**
 * Puts somebody in for whoever the rota names, between two instants. The last one that was made counts.
 *
 * @throws {WatchError} not-allowed, not-found, invalid-input
 */
export async function overrideRota(
  ctx: WatchCtx,
  input: {
    readonly actor: Actor
    readonly serviceId: string
    readonly rotaId: string
    readonly personId: string
    readonly fromMs: number
    readonly untilMs: number
  },
): Promise<{ readonly id: string }> {
  requireOperator(input.actor, 'responder')
  const { actor, serviceId, rotaId, personId, fromMs, untilMs } = input
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  const rota = entry.onCall.rotas.find((one) => one.id === rotaId)
  if (!rota) throw notFound('rota', rotaId)
  const person = entry.onCall.people.find((one) => one.id === personId)
  if (!person) throw notFound('person', personId)
  const nowMs = ctx.clock.now().getTime()
  if (untilMs <= fromMs || untilMs <= nowMs)
    throw new WatchError('invalid-input', {
      detail: 'It has to end after it begins, and later than now.',
      fields: { until: 'lies before the beginning, or in the past' },
    })
  if (untilMs - fromMs > OVERRIDE_MAX_MS)
    throw new WatchError('invalid-input', {
      detail: 'At most 62 days: a change for longer belongs into the service’s file.',
      fields: { until: 'is more than 62 days after the beginning' },
    })
  const id = ctx.newId()
  await ctx.store.write([
    {
      sql: `insert into rota_override (id, service_id, rota_id, person_id, from_ms, until_ms, made_at_ms, made_by)
        values (:id, :serviceId, :rotaId, :personId, :fromMs, :untilMs, :nowMs, :by)`,
      params: { id, serviceId, rotaId, personId, fromMs, untilMs, nowMs, by: nameOfActor(actor) },
    },
    auditStatement(ctx, {
      actor,
      action: 'override-rota',
      subject: serviceId,
      facts: { rota: rota.name, person: person.name, fromMs, untilMs },
    }),
  ])
  return { id }
}

/** Ends it now: what has passed stays in the log. @throws {WatchError} not-allowed, changed-meanwhile when it is over */
export async function endOverride(
  ctx: WatchCtx,
  input: { readonly actor: Actor; readonly overrideId: string },
): Promise<void> {
  requireOperator(input.actor, 'responder')
  const { actor, overrideId } = input
  const row = ctx.store.get<{ serviceId: string; rota: string; person: string }>(
    'select service_id as serviceId, rota_id as rota, person_id as person from rota_override where id = :overrideId',
    { overrideId },
  )
  if (!row) throw notFound('override', overrideId)
  const entry = ctx.catalog.find(row.serviceId)
  await ctx.store.write([
    {
      sql: 'update rota_override set until_ms = :nowMs where id = :overrideId and until_ms > :nowMs',
      params: { overrideId, nowMs: ctx.clock.now().getTime() },
      mustChange: true,
    },
    auditStatement(ctx, {
      actor,
      action: 'end-override',
      subject: row.serviceId,
      facts: entry
        ? { rota: targetName(entry, `rota:${row.rota}`), person: targetName(entry, `person:${row.person}`) }
        : { rota: row.rota, person: row.person },
    }),
  ])
}

/**
 * Gives a role in an incident to somebody: `person:ID` of the service's file, or `operator:NAME`.
 *
 * @throws {WatchError} not-allowed, not-found
 */
export async function giveRole(
  ctx: WatchCtx,
  input: {
    readonly actor: Actor
    readonly incidentId: string
    readonly role: IncidentRole
    readonly person: string
  },
): Promise<void> {
  requireOperator(input.actor, 'responder')
  const { actor, incidentId, role, person } = input
  const incident = incidentById(ctx, incidentId)
  if (!incident) throw notFound('incident', incidentId)
  const entry = ctx.catalog.find(incident.serviceId)
  if (!INCIDENT_ROLES.includes(role)) throw notFound('role', role)
  await ctx.store.write([
    ...adoptionOf(ctx, incidentId),
    writeRole(incidentId, { role, person, sinceMs: ctx.clock.now().getTime() }),
    auditStatement(ctx, {
      actor,
      action: 'give-role',
      subject: incidentId,
      facts: { role, person: entry ? holderOf(entry, person).name : person },
    }),
  ])
}
