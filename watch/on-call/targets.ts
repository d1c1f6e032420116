/** Whom a step of the escalation means now: persons, whoever a rota names, whoever holds a role. */
import type { WatchCtx } from '../app/context.ts'
import type { OnCallPerson, ServiceEntry } from '../configuration/index.ts'
import { incidentIdOf, listOverrides, listRoles, type PageRecord } from './page-records.ts'
import { receiversOf, type Receiver } from './receivers.ts'
import { who, type Rota } from './rota.ts'

export interface Reached {
  readonly person: OnCallPerson
  /** The target that led to them. */
  readonly via: string
  readonly receivers: readonly Receiver[]
}

export interface Missed {
  readonly target: string
  readonly why: 'gap' | 'not-among-people' | 'role-not-taken' | 'no-channel'
}

export const MISSED_WORDS: Readonly<Record<Missed['why'], string>> = {
  gap: 'nobody is on call now',
  'not-among-people': 'the person is not among the people of the file',
  'role-not-taken': 'nobody has taken this role',
  'no-channel': 'there is no address to reach them at',
}

/** Everybody once, with what leads nowhere. */
export function resolveTargets(
  ctx: WatchCtx,
  entry: ServiceEntry,
  page: PageRecord,
  targets: readonly string[],
): { readonly reached: readonly Reached[]; readonly missed: readonly Missed[] } {
  const reached = new Map<string, Reached>()
  const missed: Missed[] = []
  for (const target of targets) {
    const person = personOf(ctx, entry, page, target)
    if (typeof person === 'string') {
      missed.push({ target, why: person })
      continue
    }
    const receivers = receiversOf(ctx, person)
    if (receivers.length === 0) missed.push({ target, why: 'no-channel' })
    else if (!reached.has(person.id)) reached.set(person.id, { person, via: target, receivers })
  }
  return { reached: [...reached.values()], missed }
}

function personOf(
  ctx: WatchCtx,
  entry: ServiceEntry,
  page: PageRecord,
  target: string,
): OnCallPerson | Missed['why'] {
  const [kind, id] = target.split(':') as [string, string]
  const find = (personId: string) =>
    entry.onCall.people.find((person) => person.id === personId) ?? 'not-among-people'
  if (kind === 'person') return find(id)
  if (kind === 'rota') {
    const rota = rotaOf(ctx, entry, id)
    const personId = rota && who(rota, ctx.clock.now().getTime()).personId
    return personId ? find(personId) : 'gap'
  }
  const incidentId = incidentIdOf(page)
  const held =
    incidentId === null ? undefined : listRoles(ctx.store, incidentId).find(({ role }) => role === id)
  return held ? holderOf(entry, held.person) : 'role-not-taken'
}

/** Whoever holds a role: one of the file's people, or an operator by their name. */
export function holderOf(entry: ServiceEntry, held: string): OnCallPerson {
  const [kind, name] = held.split(/:(.*)/s) as [string, string]
  const { people } = entry.onCall
  const known = kind === 'person' ? people.find(({ id }) => id === name) : personOfOperator(entry, name)
  return known ?? { id: name, name, operator: kind === 'operator' ? name : null, email: null, webhook: null }
}

/** Who of the file's people signs in under this name. */
export const personOfOperator = (entry: ServiceEntry, operator: string): OnCallPerson | undefined =>
  entry.onCall.people.find((person) => person.operator?.toLowerCase() === operator.toLowerCase())

/** Rotas that somebody is paged by, and in which nobody is on call now. */
export const gapsNow = (ctx: WatchCtx, entry: ServiceEntry): string[] =>
  entry.onCall.rotas
    .filter(({ id }) => entry.onCall.escalation.some(({ to }) => to.includes(`rota:${id}`)))
    .filter(({ id }) => who(rotaOf(ctx, entry, id)!, ctx.clock.now().getTime()).personId === null)
    .map(({ name }) => name)

/** People who have no address that can be used now. */
export const unreachable = (ctx: WatchCtx, entry: ServiceEntry): string[] =>
  entry.onCall.people.filter((person) => receiversOf(ctx, person).length === 0).map(({ name }) => name)

/** A target by its name, for the log. */
export function targetName(entry: ServiceEntry, target: string): string {
  const [kind, id] = target.split(':') as [string, string]
  const { rotas, people } = entry.onCall
  if (kind === 'role') return id
  return (kind === 'rota' ? rotas : people).find((one) => one.id === id)?.name ?? id
}

/** A rota with its overrides. */
export function rotaOf(ctx: WatchCtx, entry: ServiceEntry, rotaId: string): Rota | null {
  const plan = entry.onCall.rotas.find(({ id }) => id === rotaId)
  if (!plan) return null
  const overrides = listOverrides(ctx.store, entry.id, ctx.clock.now().getTime())
  return { plan, timeZone: entry.timeZone, overrides }
}
