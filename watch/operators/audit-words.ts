/** Lines of the audit log as people read them: what was done, to what by its name, and how. */
import type { WatchCtx } from '../app/context.ts'
import { incidentById, maintenanceById, type AuditEntry } from '../incidents/index.ts'
import { formatDuration, formatInstant } from '../pages/format.ts'
import { operatorName } from './standing.ts'

export interface AuditLine {
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly subject: string
  /** Where the subject is shown; null: nowhere in the cockpit. */
  readonly href: string | null
  readonly details: string
}

/** The lines in the same order. */
export function describeEntries(ctx: WatchCtx, entries: readonly AuditEntry[]): AuditLine[] {
  const subjects = new Map<string, Pick<AuditLine, 'subject' | 'href'>>()
  return entries.map(({ atMs, actor, action, subject, facts }) => {
    let known = subjects.get(subject)
    if (!known) subjects.set(subject, (known = nameSubject(ctx, subject)))
    return {
      atMs,
      actor: nameActor(actor),
      action: capitalise(action.replaceAll('-', ' ')),
      ...known,
      details: Object.entries(facts)
        .filter(([name, value]) => value !== null && value !== '' && name !== 'page')
        .map(([name, value]) =>
          name === 'merged' ? nameMerged(ctx, String(value)) : describeFact(name, value!),
        )
        .join(' · '),
    }
  })
}

function nameSubject(ctx: WatchCtx, subject: string): Pick<AuditLine, 'subject' | 'href'> {
  const incident = incidentById(ctx, subject)
  if (incident) return { subject: incident.title, href: `/operate/incidents/${incident.id}` }
  const maintenance = maintenanceById(ctx, subject)
  if (maintenance) return { subject: maintenance.title, href: '/operate/maintenances' }
  const name = ctx.catalog.find(subject)?.name ?? operatorName(ctx, subject)
  return { subject: name ?? subject, href: null }
}

const nameMerged = (ctx: WatchCtx, ids: string): string =>
  ids
    .split(' ')
    .map((id) => incidentById(ctx, id)?.title ?? id)
    .join(', ')

/** `operator:ada` is "ada"; a program and whoever was paged say so. */
function nameActor(actor: string): string {
  const [kind, name] = actor.split(/:(.*)/s) as [string, string?]
  if (kind === 'key') return `${name} (program)`
  if (kind === 'on-call') return `${name} (on call)`
  return name ?? 'The watch'
}

function describeFact(name: string, value: string | number | boolean): string {
  if (name === 'afterMs') return `after ${formatDuration(Number(value))}`
  if (name.endsWith('Ms')) return `${name.slice(0, -2)} ${formatInstant(new Date(Number(value)), 'Etc/UTC')}`
  return `${name.replaceAll(/([A-Z])/g, ' $1').toLowerCase()} ${value}`
}

const capitalise = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)
