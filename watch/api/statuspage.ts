/**
 * Statuspage's API v2, shape by shape: what thousands of clients read already.
 *
 * A suspicion is no incident here, and what is unknown keeps its last known status: the words of that interface have
 * no place for either, and an invented one breaks its clients. `status.json` of our own says both.
 */
import type { ComponentStatus, StatusIndicator } from '../../contract/watch.ts'
import { stableId } from '../app/ids.ts'
import type { ComponentView, IncidentView, MaintenanceView, StatusView } from '../incidents/index.ts'

export interface StatuspagePage {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly time_zone: string
  readonly updated_at: string
}

export interface StatuspageComponent {
  readonly id: string
  readonly name: string
  readonly status: ComponentStatus
  readonly created_at: string
  readonly updated_at: string
  readonly position: number
  readonly description: string | null
  readonly showcase: boolean
  readonly start_date: string | null
  readonly group_id: string | null
  readonly page_id: string
  readonly group: boolean
  readonly only_show_if_degraded: boolean
  /** Children of a group; other components have no such key. */
  readonly components?: readonly string[]
}

export interface StatuspageUpdate {
  readonly id: string
  readonly status: string
  readonly body: string
  readonly incident_id: string
  readonly created_at: string
  readonly updated_at: string
  readonly display_at: string
  readonly affected_components:
    | readonly {
        readonly code: string
        readonly name: string
        readonly old_status: ComponentStatus
        readonly new_status: ComponentStatus
      }[]
    | null
  readonly deliver_notifications: boolean
  readonly custom_tweet: null
  readonly tweet_id: null
}

interface Event {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly created_at: string
  readonly updated_at: string
  readonly monitoring_at: string | null
  readonly resolved_at: string | null
  readonly impact: 'none' | 'minor' | 'major' | 'critical' | 'maintenance'
  readonly shortlink: string
  readonly started_at: string
  readonly page_id: string
  readonly incident_updates: readonly StatuspageUpdate[]
  readonly components: readonly StatuspageComponent[]
  readonly reminder_intervals: null
}
export type StatuspageIncident = Event
export interface StatuspageMaintenance extends Event {
  readonly scheduled_for: string
  readonly scheduled_until: string
}

export interface StatuspageStatus {
  readonly indicator: StatusIndicator
  readonly description: string
}

/** How links of the shapes are made. */
export interface StatuspageLinks {
  status(): string
  incident(id: string): string
  maintenance(id: string): string
}

const INCIDENTS_MAX = 50

const instant = (ms: number): string => new Date(ms).toISOString()
const instantOrNull = (ms: number | null): string | null => (ms === null ? null : instant(ms))

/** The page's id: 12 characters like all others. */
export const pageIdOf = (serviceId: string): string => stableId(`page/${serviceId}`)

/** `updated_at` is when something on the page last changed, not when it was asked for: answers stay comparable. */
export function toPage(view: StatusView, links: StatuspageLinks): StatuspagePage {
  let updatedMs = 0
  for (const { changedAtMs, createdAtMs } of view.components)
    updatedMs = Math.max(updatedMs, changedAtMs ?? createdAtMs)
  for (const { updatedAtMs } of [...view.incidents, ...view.maintenances])
    updatedMs = Math.max(updatedMs, updatedAtMs)
  return {
    id: pageIdOf(view.service.id),
    name: view.service.name,
    url: links.status(),
    time_zone: view.service.timeZone,
    updated_at: instant(updatedMs),
  }
}

export const toStatus = (view: StatusView): StatuspageStatus => ({
  indicator: view.indicator,
  description: view.description,
})

/** Components in their order; a group stands before its first member and is as bad as its worst one. */
export function toComponents(view: StatusView): StatuspageComponent[] {
  const pageId = pageIdOf(view.service.id)
  const members = new Map<string, ComponentView[]>()
  for (const component of view.components)
    if (component.group !== null) {
      const known = members.get(component.group)
      if (known) known.push(component)
      else members.set(component.group, [component])
    }
  const shown = new Set<string>()
  return view.components.flatMap((component) => {
    const { group } = component
    const own = toComponent(component, view.service.id)
    if (group === null || shown.has(group)) return [own]
    shown.add(group)
    return [toGroup(group, members.get(group)!, view.service.id, pageId), own]
  })
}

const groupIdOf = (serviceId: string, group: string): string => stableId(`group/${serviceId}/${group}`)

function toComponent(component: ComponentView, serviceId: string): StatuspageComponent {
  return {
    id: component.id,
    name: component.name,
    status: component.status,
    created_at: instant(component.createdAtMs),
    updated_at: instant(component.changedAtMs ?? component.createdAtMs),
    position: component.position,
    description: component.description === '' ? null : component.description,
    showcase: true,
    start_date: instant(component.createdAtMs).slice(0, 10),
    group_id: component.group === null ? null : groupIdOf(serviceId, component.group),
    page_id: pageIdOf(serviceId),
    group: false,
    only_show_if_degraded: false,
  }
}

const WORST_LAST: readonly ComponentStatus[] = [
  'operational',
  'under_maintenance',
  'degraded_performance',
  'partial_outage',
  'major_outage',
]

function toGroup(
  name: string,
  members: readonly ComponentView[],
  serviceId: string,
  pageId: string,
): StatuspageComponent {
  const worst = Math.max(...members.map(({ status }) => WORST_LAST.indexOf(status)))
  const createdMs = Math.min(...members.map(({ createdAtMs }) => createdAtMs))
  const updatedMs = Math.max(...members.map(({ changedAtMs, createdAtMs }) => changedAtMs ?? createdAtMs))
  return {
    id: groupIdOf(serviceId, name),
    name,
    status: WORST_LAST[worst]!,
    created_at: instant(createdMs),
    updated_at: instant(updatedMs),
    position: members[0]!.position,
    description: null,
    showcase: false,
    start_date: null,
    group_id: null,
    page_id: pageId,
    group: true,
    only_show_if_degraded: false,
    components: members.map(({ id }) => id),
  }
}

const INCIDENT_STATUS: Readonly<Record<IncidentView['state'], string>> = {
  suspected: 'investigating',
  confirmed: 'investigating',
  identified: 'identified',
  mitigating: 'identified',
  recovering: 'monitoring',
  resolved: 'resolved',
}

const isPublished = (incident: IncidentView): boolean =>
  incident.mergedInto === null && (incident.state !== 'suspected' || incident.confirmedAtMs !== null)

/** The newest 50, open or over. */
export function toIncidents(
  incidents: readonly IncidentView[],
  view: StatusView,
  links: StatuspageLinks,
): StatuspageIncident[] {
  return incidents
    .filter((incident) => isPublished(incident))
    .slice(0, INCIDENTS_MAX)
    .map((incident) => toIncident(incident, view, links))
}

/** One incident; components carry their status of now, `affected_components` that of then. */
export function toIncident(
  incident: IncidentView,
  view: StatusView,
  links: StatuspageLinks,
): StatuspageIncident {
  const explained = incident.resolvedAtMs === null ? null : incident.publicExplanation
  return {
    id: incident.id,
    name: incident.title,
    status: explained ? 'postmortem' : INCIDENT_STATUS[incident.state],
    created_at: instant(incident.detectedAtMs),
    updated_at: instant(incident.updatedAtMs),
    monitoring_at: instantOrNull(incident.recoveringAtMs),
    resolved_at: instantOrNull(incident.resolvedAtMs),
    impact: incident.impact,
    shortlink: links.incident(incident.id),
    started_at: instant(incident.startedAtMs),
    page_id: pageIdOf(view.service.id),
    incident_updates: [
      ...(explained
        ? [
            toUpdate(
              {
                id: stableId(`explanation/${incident.id}`),
                body: explained.body,
                atMs: explained.at,
                affected: [],
              },
              'postmortem',
              incident.id,
            ),
          ]
        : []),
      ...incident.updates.map((update) => toUpdate(update, INCIDENT_STATUS[update.state], incident.id)),
    ],
    components: componentsOf(incident.featureIds, view),
    reminder_intervals: null,
  }
}

function toUpdate(
  update: Pick<IncidentView['updates'][number], 'id' | 'body' | 'atMs' | 'affected'>,
  status: string,
  incidentId: string,
): StatuspageUpdate {
  const at = instant(update.atMs)
  return {
    id: update.id,
    status,
    body: update.body,
    incident_id: incidentId,
    created_at: at,
    updated_at: at,
    display_at: at,
    affected_components:
      update.affected.length === 0
        ? null
        : update.affected.map(({ code, name, oldStatus, newStatus }) => ({
            code,
            name,
            old_status: oldStatus,
            new_status: newStatus,
          })),
    deliver_notifications: true,
    custom_tweet: null,
    tweet_id: null,
  }
}

/** A scheduled maintenance. */
export function toMaintenance(
  maintenance: MaintenanceView,
  view: StatusView,
  links: StatuspageLinks,
): StatuspageMaintenance {
  const updates = maintenance.updates.map((update) =>
    toUpdate({ ...update, affected: [] }, update.status, maintenance.id),
  )
  const announced = toUpdate(
    {
      id: stableId(`announced/${maintenance.id}`),
      body: maintenance.body,
      atMs: maintenance.createdAtMs,
      affected: [],
    },
    'scheduled',
    maintenance.id,
  )
  return {
    id: maintenance.id,
    name: maintenance.title,
    status: maintenance.status,
    created_at: instant(maintenance.createdAtMs),
    updated_at: instant(maintenance.updatedAtMs),
    monitoring_at: null,
    resolved_at: instantOrNull(maintenance.completedAtMs),
    impact: 'maintenance',
    shortlink: links.maintenance(maintenance.id),
    started_at: instant(maintenance.scheduledForMs),
    page_id: pageIdOf(view.service.id),
    incident_updates: updates.length > 0 ? updates : [announced],
    components: componentsOf(maintenance.featureIds, view),
    reminder_intervals: null,
    scheduled_for: instant(maintenance.scheduledForMs),
    scheduled_until: instant(maintenance.scheduledUntilMs),
  }
}

function componentsOf(featureIds: readonly string[], view: StatusView): StatuspageComponent[] {
  const wanted = new Set(featureIds)
  return view.components
    .filter(({ slug }) => wanted.size === 0 || wanted.has(slug))
    .map((component) => toComponent(component, view.service.id))
}

export const isUnresolved = (incident: IncidentView): boolean => incident.resolvedAtMs === null
export const isUpcoming = ({ status }: MaintenanceView): boolean => status === 'scheduled'
export const isActive = ({ status }: MaintenanceView): boolean =>
  status === 'in_progress' || status === 'verifying'

/** Everything at once: unresolved incidents, maintenances to come and under way. */
export function toSummary(view: StatusView, links: StatuspageLinks) {
  return {
    page: toPage(view, links),
    components: toComponents(view),
    incidents: toIncidents(view.incidents.filter(isUnresolved), view, links),
    scheduled_maintenances: view.maintenances
      .filter((maintenance) => isUpcoming(maintenance) || isActive(maintenance))
      .map((maintenance) => toMaintenance(maintenance, view, links)),
    status: toStatus(view),
  }
}
