/** What is told: one notice for each update of a confirmed incident and of a maintenance. */
import { z } from 'zod'
import type { OutageState } from '../../engines/detect/types.ts'
import type { IncidentView, MaintenanceView, UpdateView } from '../incidents/index.ts'
import { adviceFor, CAUSE_WORDS, declaredWords, describeCause } from '../incidents/index.ts'
import { maintenanceWords, outageStateWords } from '../pages/words.ts'
import { newsOf } from './news.ts'

export const Notice = z.object({
  /** The update's id: the same update is never told twice. */
  id: z.string(),
  kind: z.enum(['incident', 'maintenance', 'confirm', 'welcome', 'page']),
  serviceId: z.string(),
  serviceName: z.string(),
  /** The incident's or maintenance's id; empty for what concerns the subscription itself. */
  subjectId: z.string(),
  title: z.string(),
  /** In words: "Confirmed", "Over", "Planned". */
  state: z.string(),
  body: z.string(),
  cause: z.string().nullable(),
  advice: z.string().nullable(),
  atMs: z.number(),
  featureIds: z.array(z.string()),
  regions: z.array(z.string()),
  /** Of a page: where it is answered, instead of the public page. */
  link: z.string().optional(),
  /** Whether it is worth a post on a public network. */
  isPost: z.boolean().optional(),
  /** The watch whose word it is; missing: this one's. */
  watch: z.string().optional(),
})
export type Notice = z.infer<typeof Notice>

/** States whose beginning is worth a post; what lies between is in the page that the posts lead to. */
const POSTED_STATES: ReadonlySet<OutageState> = new Set(['confirmed', 'identified', 'resolved'])

/** What subscribers were told of an incident before. */
export interface ToldBefore {
  /** Ids of updates, in the order of telling. */
  readonly updateIds: readonly string[]
  /** Under which id: it goes on under the same. */
  readonly subjectId: string | null
}

export const NOTHING_TOLD: ToldBefore = { updateIds: [], subjectId: null }

/**
 * Notices of an incident, oldest first; none while it is only suspected, or was never more. Of one that only this watch
 * tells of these are all; of one that others tell of, too, those that are news.
 */
export function noticesOfIncident(
  incident: IncidentView,
  serviceName: string,
  told: ToldBefore = NOTHING_TOLD,
  mayTell?: (update: UpdateView) => boolean,
): Notice[] {
  if (incident.confirmedAtMs === null || incident.mergedInto !== null) return []
  const confirmedAtMs = incident.confirmedAtMs
  const isJoined = incident.witnesses !== undefined
  const updates = isJoined
    ? newsOf(incident, told.updateIds, mayTell)
    : incident.updates
        .toReversed()
        .filter(({ atMs, state }) => atMs >= confirmedAtMs && state !== 'suspected')
  const lastId = isJoined ? told.updateIds.at(-1) : undefined
  let posted = incident.updates.find(({ id }) => id === lastId)?.state ?? null
  return updates.map((update) => {
    const isNewState = update.state !== posted && POSTED_STATES.has(update.state)
    const isPost = posted === null || isNewState || update.author !== 'watch'
    if (isPost) posted = update.state
    return {
      id: update.id,
      kind: 'incident' as const,
      serviceId: incident.serviceId,
      serviceName,
      subjectId: told.subjectId ?? incident.id,
      title: incident.title,
      state: outageStateWords[update.state],
      body: update.watch === undefined ? update.body : `${update.body}\nSeen by watch ${update.watch}.`,
      ...besidesBody(update, incident),
      atMs: update.atMs,
      featureIds: [...incident.featureIds],
      regions: [...incident.regions],
      isPost,
      ...(update.watch !== undefined && { watch: update.watch }),
    }
  })
}

/** The last notice of an incident that an operator made part of another one. */
export const noticeOfMerge = (incident: IncidentView, intoTitle: string, serviceName: string): Notice => ({
  id: `merged-${incident.id}`,
  kind: 'incident',
  serviceId: incident.serviceId,
  serviceName,
  subjectId: incident.id,
  title: incident.title,
  state: 'Part of another incident',
  body: `It is one with another incident, “${intoTitle}”: what comes next is told there.`,
  cause: null,
  advice: null,
  atMs: incident.updatedAtMs,
  featureIds: [...incident.featureIds],
  regions: [...incident.regions],
  isPost: true,
})

/** The cause and the advice, unless the update says them already. */
function besidesBody(
  { body, state }: UpdateView,
  incident: IncidentView,
): { readonly cause: string | null; readonly advice: string | null } {
  const says = (words: string) => body.toLowerCase().includes(words.toLowerCase().replace(/\.$/, ''))
  const advice = adviceFor(state, incident.cause)
  const { cause, declared } = incident
  const isCauseKnown = declared != null || cause !== 'unknown'
  const causeWords = declared ? declaredWords(declared) : CAUSE_WORDS[cause]
  return {
    cause: isCauseKnown && !says(causeWords) ? describeCause(incident) : null,
    advice: says(advice) ? null : advice,
  }
}

/** Notices of a maintenance: its announcement and each step. */
export function noticesOfMaintenance(maintenance: MaintenanceView, serviceName: string): Notice[] {
  const common = {
    kind: 'maintenance' as const,
    serviceId: maintenance.serviceId,
    serviceName,
    subjectId: maintenance.id,
    title: maintenance.title,
    cause: null,
    advice: null,
    featureIds: [...maintenance.featureIds],
    regions: [...maintenance.regions],
  }
  const window = `${new Date(maintenance.scheduledForMs).toISOString()} until ${new Date(maintenance.scheduledUntilMs).toISOString()}`
  return [
    {
      ...common,
      id: `announced-${maintenance.id}`,
      state: 'Announced',
      body: `${maintenance.body}\n${window}`,
      atMs: maintenance.createdAtMs,
      isPost: true,
    },
    ...maintenance.updates
      .toReversed()
      .filter(({ status }) => status !== 'scheduled')
      .map((update) => ({
        ...common,
        id: update.id,
        state: maintenanceWords[update.status],
        body: update.body,
        atMs: update.atMs,
        isPost: update.status !== 'verifying',
      })),
  ]
}

/** A notice that concerns one subscription alone. */
export const noticeToOne = (
  notice: Pick<Notice, 'id' | 'kind' | 'serviceId' | 'serviceName' | 'title' | 'state' | 'body' | 'atMs'>,
): Notice => ({ ...notice, subjectId: '', cause: null, advice: null, featureIds: [], regions: [] })

/** Whether a subscription to these features and regions (empty: all) wants the notice. */
export function isWanted(
  notice: Pick<Notice, 'featureIds' | 'regions'>,
  wanted: { readonly features: readonly string[]; readonly regions: readonly string[] },
): boolean {
  const overlaps = (of: readonly string[], choice: readonly string[]) =>
    choice.length === 0 || of.length === 0 || choice.some((id) => of.includes(id))
  return overlaps(notice.featureIds, wanted.features) && overlaps(notice.regions, wanted.regions)
}
