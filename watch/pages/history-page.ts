/** All incidents of a service by month, page by page. */
import type { IncidentView } from '../incidents/index.ts'
import { html } from './html.ts'
import { renderIncidentRow, type BlockContext } from './incident-block.ts'
import { renderPage } from './layout.ts'

export const HISTORY_PAGE_SIZE = 40

export interface HistoryPageInput extends BlockContext {
  /** Newest first; one more than a page when there is another page. */
  readonly incidents: readonly IncidentView[]
  readonly olderHref: string | null
  readonly newestHref: string | null
  readonly isExported?: boolean
}

/** Renders one page of the history. */
export function renderHistoryPage(input: HistoryPageInput): string {
  const { view, links, incidents } = input
  const months = new Map<string, IncidentView[]>()
  for (const incident of incidents) {
    if (incident.mergedInto !== null) continue
    const month = monthOf(incident.startedAtMs, view.service.timeZone)
    months.set(month, [...(months.get(month) ?? []), incident])
  }
  return renderPage({
    title: `History · ${view.service.name}`,
    description: `All outages of ${view.service.name} that were seen from outside.`,
    serviceName: view.service.name,
    links,
    current: 'history',
    isStandalone: input.isExported,
    body: html`<h1>History</h1>
      ${months.size === 0 && html`<p class="acts sub">No outage has been seen${input.newestHref ? ' before this' : ' so far'}.</p>`}
      ${[...months].map(
        ([month, list]) =>
          html`<section>
            <h2>${month}</h2>
            <ul class="card">
              ${list.map((incident) => renderIncidentRow(incident, input))}
            </ul>
          </section>`,
      )}
      <p class="pager">
        ${input.newestHref ? html`<a class="btn small" href="${input.newestHref}">Newest</a>` : html`<span></span>`}
        ${input.olderHref && html`<a class="btn small" href="${input.olderHref}">Older</a>`}
      </p>`,
  })
}

function monthOf(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, month: 'long', year: 'numeric' }).format(ms)
}
