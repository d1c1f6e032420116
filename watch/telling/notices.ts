/** What is told: one notice for each update of a confirmed incident and of a maintenance. */
import { z } from 'zod'
import type { IncidentView, MaintenanceView } from '../incidents/index.ts'
import { adviceFor, CAUSE_WORDS } from '../incidents/index.ts'
import { maintenanceWords, outageStateWords } from '../pages/words.ts'

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
})
export type Notice = z.infer<typeof Notice>

/** Notices of an incident; none while it is only suspected, or was never more. */
export function noticesOfIncident(incident: IncidentView, serviceName: string): Notice[] {
  if (incident.confirmedAtMs === null || incident.mergedInto !== null) return []
  const confirmedAtMs = incident.confirmedAtMs
  return incident.updates
    .filter(({ atMs, state }) => atMs >= confirmedAtMs && state !== 'suspected')
    .map((update) => ({
      id: update.id,
      kind: 'incident' as const,
      serviceId: incident.serviceId,
      serviceName,
      subjectId: incident.id,
      title: incident.title,
      state: outageStateWords[update.state],
      body: update.body,
      cause: incident.cause === 'unknown' ? null : CAUSE_WORDS[incident.cause],
      advice: adviceFor(update.state, incident.cause),
      atMs: update.atMs,
      featureIds: [...incident.featureIds],
      regions: [...incident.regions],
    }))
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
    },
    ...maintenance.updates
      .filter(({ status }) => status !== 'scheduled')
      .map((update) => ({
        ...common,
        id: update.id,
        state: maintenanceWords[update.status],
        body: update.body,
        atMs: update.atMs,
      })),
  ]
}

/** Whether a subscription to these features and regions (empty: all) wants the notice. */
export function isWanted(
  notice: Pick<Notice, 'featureIds' | 'regions'>,
  wanted: { readonly features: readonly string[]; readonly regions: readonly string[] },
): boolean {
  const overlaps = (of: readonly string[], choice: readonly string[]) =>
    choice.length === 0 || of.length === 0 || choice.some((id) => of.includes(id))
  return overlaps(notice.featureIds, wanted.features) && overlaps(notice.regions, wanted.regions)
}
