/** RSS 2.0 and Atom (RFC 4287) of a service's incidents and maintenances, one entry each, newest first. */
import type { IncidentView, MaintenanceView, StatusView } from '../incidents/index.ts'
import { escapeHtml } from '../pages/html.ts'
import { maintenanceWords, outageStateWords } from '../pages/words.ts'

const ENTRIES_MAX = 50

export interface FeedLinks {
  status(): string
  incident(id: string): string
  maintenance(id: string): string
  feed(kind: 'rss' | 'atom'): string
}

interface Entry {
  readonly id: string
  readonly title: string
  readonly url: string
  readonly publishedMs: number
  readonly updatedMs: number
  readonly lines: readonly { readonly atMs: number; readonly label: string; readonly body: string }[]
}

/** Control characters, halves of surrogate pairs and non-characters: XML 1.0 (2.2) has no place for them, not even escaped. */
const NOT_IN_XML = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu
const ALLOWED_CONTROLS = new Set(['\t', '\n', '\r'])

/** Escapes text for XML, without the characters that XML can't carry. */
export const escapeXml = (text: string): string =>
  escapeHtml(text.replace(NOT_IN_XML, (c) => (ALLOWED_CONTROLS.has(c) ? c : '')))

/** RSS 2.0. */
export function renderRss(view: StatusView, incidents: readonly IncidentView[], links: FeedLinks): string {
  const items = entriesOf(view, incidents, links).map(
    (entry) =>
      `<item><title>${escapeXml(entry.title)}</title><link>${escapeXml(entry.url)}</link><guid isPermaLink="false">${escapeXml(entry.id)}</guid><pubDate>${new Date(entry.publishedMs).toUTCString()}</pubDate><description>${escapeXml(bodyOf(entry))}</description></item>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>${escapeXml(view.service.name)}: incidents and maintenance</title><link>${escapeXml(links.status())}</link><atom:link rel="self" type="application/rss+xml" href="${escapeXml(links.feed('rss'))}"/><description>${escapeXml(view.description)}</description><lastBuildDate>${new Date(latestOf(view, incidents)).toUTCString()}</lastBuildDate>
${items.join('\n')}
</channel></rss>
`
}

/** Atom. */
export function renderAtom(view: StatusView, incidents: readonly IncidentView[], links: FeedLinks): string {
  const entries = entriesOf(view, incidents, links).map(
    (entry) =>
      `<entry><id>urn:upbeat:${view.service.id}:${escapeXml(entry.id)}</id><title>${escapeXml(entry.title)}</title><link rel="alternate" type="text/html" href="${escapeXml(entry.url)}"/><published>${new Date(entry.publishedMs).toISOString()}</published><updated>${new Date(entry.updatedMs).toISOString()}</updated><content type="html">${escapeXml(bodyOf(entry))}</content></entry>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:upbeat:${view.service.id}</id><title>${escapeXml(view.service.name)}: incidents and maintenance</title><link rel="self" type="application/atom+xml" href="${escapeXml(links.feed('atom'))}"/><link rel="alternate" type="text/html" href="${escapeXml(links.status())}"/><author><name>Upbeat watch</name></author><updated>${new Date(latestOf(view, incidents)).toISOString()}</updated>
${entries.join('\n')}
</feed>
`
}

const bodyOf = (entry: Entry): string =>
  entry.lines
    .map(
      ({ atMs, label, body }) =>
        `<p><strong>${escapeHtml(label)}</strong> <small>${new Date(atMs).toISOString()}</small><br>${escapeHtml(body)}</p>`,
    )
    .join('')

function entriesOf(view: StatusView, incidents: readonly IncidentView[], links: FeedLinks): Entry[] {
  const published = incidents.filter(({ state, mergedInto }) => state !== 'suspected' && mergedInto === null)
  return [
    ...published.map((incident) => fromIncident(incident, links)),
    ...view.maintenances.map((maintenance) => fromMaintenance(maintenance, links)),
  ]
    .toSorted((a, b) => b.publishedMs - a.publishedMs)
    .slice(0, ENTRIES_MAX)
}

const fromIncident = (incident: IncidentView, links: FeedLinks): Entry => ({
  id: incident.id,
  title: incident.title,
  url: links.incident(incident.id),
  publishedMs: incident.detectedAtMs,
  updatedMs: incident.updatedAtMs,
  lines: [
    ...(incident.publicExplanation
      ? [{ atMs: incident.publicExplanation.at, label: 'Explained', body: incident.publicExplanation.body }]
      : []),
    ...incident.updates.map(({ atMs, state, body }) => ({ atMs, label: outageStateWords[state], body })),
  ],
})

const fromMaintenance = (maintenance: MaintenanceView, links: FeedLinks): Entry => ({
  id: maintenance.id,
  title: `Maintenance: ${maintenance.title}`,
  url: links.maintenance(maintenance.id),
  publishedMs: maintenance.createdAtMs,
  updatedMs: maintenance.updatedAtMs,
  lines: [
    ...maintenance.updates.map(({ atMs, status, body }) => ({ atMs, label: maintenanceWords[status], body })),
    { atMs: maintenance.createdAtMs, label: 'Announced', body: maintenance.body },
  ],
})

function latestOf(view: StatusView, incidents: readonly IncidentView[]): number {
  return Math.max(
    0,
    ...view.components.map(({ changedAtMs, createdAtMs }) => changedAtMs ?? createdAtMs),
    ...[...incidents, ...view.maintenances].map(({ updatedAtMs }) => updatedAtMs),
  )
}
