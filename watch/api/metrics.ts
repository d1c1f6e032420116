/** What the watch knows, in Prometheus's text format (exposition format 0.0.4). Unknown values are left out, never 0. */
import type { StatusView } from '../incidents/index.ts'
import type { CellView } from '../../engines/detect/types.ts'
import type { ComponentStatus } from '../../contract/watch.ts'
import type { Trouble } from '../app/troubles.ts'
import { CHANNELS } from '../telling/subscriptions.ts'

const STATES: readonly CellView['state'][] = [
  'up',
  'suspected',
  'recovering',
  'down',
  'maintenance',
  'closed',
  'unknown',
]
const SEVERITY: Readonly<Record<ComponentStatus, number>> = {
  operational: 0,
  under_maintenance: 0,
  degraded_performance: 1,
  partial_outage: 2,
  major_outage: 3,
}

interface Family {
  readonly name: string
  readonly help: string
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

export interface MetricsInput {
  readonly views: readonly StatusView[]
  readonly now: Date
  readonly troubles: readonly Trouble[]
  /** Messages whose time has come and that are not sent yet, by channel. */
  readonly overdue: ReadonlyMap<string, number>
  /** Calls of people on call that nobody has answered. */
  readonly unanswered: readonly { readonly serviceId: string; readonly openedAtMs: number }[]
}

/** Renders the gauges of all services, and of the watch's own means. */
export function renderMetrics(input: MetricsInput): string {
  const { views, now, troubles, overdue } = input
  const family = (name: string, help: string): Family => ({ name, help, samples: [] })
  const severity = family(
    'upbeat_watch_component_severity',
    '0 works or maintenance, 1 degraded, 2 partly down, 3 down.',
  )
  const cell = family('upbeat_watch_cell_state', 'One for the state that a feature has in a region.')
  const posterior = family(
    'upbeat_watch_cell_posterior_ratio',
    'Probability that a feature is broken in a region.',
  )
  const open = family('upbeat_watch_open_incidents', 'Incidents that are not over, by state.')
  const age = family('upbeat_watch_evidence_age_seconds', 'Since evidence last came in.')
  const blind = family('upbeat_watch_blind', 'One while the watch itself has no connection.')
  for (const view of views) {
    const service = view.service.id
    blind.samples.push({ labels: { service }, value: view.isBlind ? 1 : 0 })
    if (view.asOfMs !== null)
      age.samples.push({ labels: { service }, value: Math.max(0, (now.getTime() - view.asOfMs) / 1000) })
    for (const [state, count] of countStates(view))
      open.samples.push({ labels: { service, state }, value: count })
    for (const component of view.components) {
      const labels = { service, feature: component.slug }
      severity.samples.push({ labels, value: SEVERITY[component.status] })
      for (const region of component.regions) {
        const where = { ...labels, region: region.id }
        for (const state of STATES)
          cell.samples.push({ labels: { ...where, state }, value: region.state === state ? 1 : 0 })
        if (region.posterior !== null) posterior.samples.push({ labels: where, value: region.posterior })
      }
    }
  }
  const services = [severity, cell, posterior, open, age, blind]
  return [...services, ...familiesOfPages(input), ...familiesOfMeans(troubles, overdue)]
    .map(renderFamily)
    .join('')
}

/** Who was called and has not answered: how many calls, and for how long the oldest of them. */
function familiesOfPages({ views, now, unanswered }: MetricsInput): readonly Family[] {
  const openedAtMs = Map.groupBy(unanswered, ({ serviceId }) => serviceId)
  const services = views.map(({ service }) => ({
    labels: { service: service.id },
    pages: openedAtMs.get(service.id) ?? [],
  }))
  return [
    {
      name: 'upbeat_watch_pages_unanswered',
      help: 'Pages to people on call that nobody has answered, and whose outage is not over.',
      samples: services.map(({ labels, pages }) => ({ labels, value: pages.length })),
    },
    {
      name: 'upbeat_watch_page_unanswered_age_seconds',
      help: 'Since the oldest page that nobody has answered was opened; missing while there is none.',
      samples: services
        .filter(({ pages }) => pages.length > 0)
        .map(({ labels, pages }) => {
          const oldestMs = Math.min(...pages.map((page) => page.openedAtMs))
          return { labels, value: Math.max(0, (now.getTime() - oldestMs) / 1000) }
        }),
    },
  ]
}

/** Whether the watch can tell people: what its operator has to mend, and what waits. */
function familiesOfMeans(
  troubles: MetricsInput['troubles'],
  overdue: MetricsInput['overdue'],
): readonly Family[] {
  return [
    {
      name: 'upbeat_watch_trouble',
      help: 'One for what the operator of the watch has to mend; the cockpit says how.',
      samples: troubles.map(({ id }) => ({ labels: { trouble: id }, value: 1 })),
    },
    {
      name: 'upbeat_watch_messages_overdue',
      help: 'Messages that should have been sent and are not yet.',
      samples: CHANNELS.map((channel) => ({ labels: { channel }, value: overdue.get(channel) ?? 0 })),
    },
  ]
}

function countStates(view: StatusView): Map<string, number> {
  const counts = new Map<string, number>(
    ['suspected', 'confirmed', 'identified', 'mitigating', 'recovering'].map((state) => [state, 0]),
  )
  for (const { state, mergedInto } of view.incidents)
    if (mergedInto === null && counts.has(state)) counts.set(state, counts.get(state)! + 1)
  return counts
}

function renderFamily({ name, help, samples }: Family): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`)
    return `${name}{${pairs.join(',')}} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}

const escapeLabel = (text: string): string =>
  text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`)
