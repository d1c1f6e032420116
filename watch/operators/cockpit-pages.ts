/** The cockpit's first page: what is open, what is overdue, and the signals that are not fine. */
import type { Trouble } from '../app/troubles.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { describeCause, type IncidentView, type StatusView } from '../incidents/index.ts'
import { describePage, type PageView } from '../on-call/index.ts'
import { formatDuration, formatShare } from '../pages/format.ts'
import { html, type Html } from '../pages/html.ts'
import { describeLength, describeScope } from '../pages/incident-block.ts'
import { cellStateWords, outageStateWords } from '../pages/words.ts'
import { renderAnnouncement } from './announcement.ts'
import type { OperatorActor } from './auth.ts'
import { renderOperatorPage } from './frame.ts'

const CELLS_SHOWN = 100

export interface CockpitInput {
  readonly actor: OperatorActor
  readonly views: readonly StatusView[]
  readonly open: readonly OpenIncident[]
  /** Confirmed, over, and without a public explanation in time. */
  readonly overdue: readonly IncidentView[]
  readonly overdueFollowUps: number
  /** Rotas in which nobody is on call now. */
  readonly gaps: readonly string[]
  /** What is wrong with the watch's own means. */
  readonly troubles: readonly Trouble[]
  readonly entries: readonly ServiceEntry[]
  /** The service that the form is for; null: none is watched. */
  readonly chosen: ServiceEntry | null
  readonly now: Date
}

interface OpenIncident {
  readonly incident: IncidentView
  /** Null: nobody was paged. */
  readonly page: PageView | null
}

/** Renders it. */
export function renderCockpit(input: CockpitInput): string {
  const { actor, views, open, entries, chosen, overdueFollowUps, gaps } = input
  return renderOperatorPage({
    title: 'Incidents',
    actor,
    current: 'incidents',
    body: html`${renderTroubles(input)}${renderOverdue(input)}${
        overdueFollowUps > 0 &&
        html`<p class="note">
          <a href="/operate/follow-ups"
            >${overdueFollowUps} ${overdueFollowUps === 1 ? 'follow-up is' : 'follow-ups are'} overdue</a
          >
        </p>`
      }
      ${
        gaps.length > 0 &&
        html`<p class="note"><a href="/operate/on-call">Nobody is on call now: ${gaps.join(', ')}</a></p>`
      }
      <section>
        <h2>Open</h2>
        ${open.length === 0 ? html`<p class="sub">Nothing is open.</p>` : open.map((one) => renderOpen(one, input))}
      </section>
      <section>
        <h2>Signals</h2>
        ${views.map(renderCells)}
      </section>
      ${
        actor.role !== 'observer' &&
        chosen &&
        html`<section>
          <h2>Open an incident that no signal shows</h2>
          ${renderOpenForm(entries, chosen)}
        </section>`
      }`,
  })
}

const renderTroubles = ({ troubles, now }: CockpitInput): Html | false =>
  troubles.length > 0 &&
  html`<section>
    <h2>The watch itself</h2>
    <ul class="card">
      ${troubles.map(
        ({ what, remedy, sinceMs }) =>
          html`<li class="comp">
            <p class="err">${what}</p>
            <p>${remedy}</p>
            <p class="faint">For ${formatDuration(now.getTime() - sinceMs)}.</p>
          </li>`,
      )}
    </ul>
  </section>`

const renderOverdue = ({ overdue, now }: CockpitInput): Html | false =>
  overdue.length > 0 &&
  html`<section>
    <h2>Explanations that are overdue</h2>
    <ul class="card">
      ${overdue.map(
        (incident) =>
          html`<li class="comp">
            <h3><a href="/operate/incidents/${incident.id}">${incident.title}</a></h3>
            <p class="err">Overdue by ${formatDuration(now.getTime() - incident.explanationDueAtMs!)}</p>
          </li>`,
      )}
    </ul>
  </section>`

function renderOpen({ incident, page }: OpenIncident, { views, actor, now }: CockpitInput): Html {
  const isSuspected = incident.state === 'suspected'
  const view = views.find(({ service }) => service.id === incident.serviceId)!
  const { timeZone } = view.service
  return html`<article class="card inc s-${isSuspected ? 'suspected' : 'down'}">
    <h3><a href="/operate/incidents/${incident.id}">${incident.title}</a></h3>
    <p class="meta">
      <span class="st">${outageStateWords[incident.state]}</span><span>${view.service.name}</span
      ><span>${describeScope(incident, view)}</span><span>${describeLength(incident, now)}</span
      ><span>${formatShare(incident.confidence)} sure</span>
    </p>
    <p class="sub">${describeCause(incident)}</p>
    ${page && html`<p class="${page.page.state === 'unanswered' ? 'err' : 'sub'}">${describePage(page.page, { timeZone, now })}</p>`}
    ${isSuspected && actor.role !== 'observer' && html`<form method="post" action="/operate/incidents/${incident.id}/confirm" class="acts"><button class="btn main">Confirm: it is an outage</button></form>`}
  </article>`
}

/** Regions by features that are not up; the rest is a number. */
function renderCells(view: StatusView): Html {
  const cells = view.components.flatMap((component) =>
    component.regions.filter(({ state }) => state !== 'up').map((region) => ({ component, region })),
  )
  const all = view.components.reduce((sum, { regions }) => sum + regions.length, 0)
  return html`<div class="card">
    <h3>${view.service.name}</h3>
    <p class="sub">
      ${view.isBlind ? 'The watch is blind. ' : ''}${all - cells.length} of ${all} parts (feature in a region)
      are up.
    </p>
    ${
      cells.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Feature</th>
              <th scope="col">Region</th>
              <th scope="col">State</th>
              <th scope="col">Broken</th>
            </tr>
          </thead>
          <tbody>
            ${cells.slice(0, CELLS_SHOWN).map(
              ({ component, region }) =>
                html`<tr class="s-${region.state}">
                  <td>${component.name}</td>
                  <td>${region.name}</td>
                  <td class="st">${cellStateWords[region.state]}</td>
                  <td>${formatShare(region.posterior)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
  </div>`
}

const renderOpenForm = (entries: readonly ServiceEntry[], chosen: ServiceEntry): Html =>
  html`<form class="card form" method="post" action="/operate/incidents">
    ${renderAnnouncement({ prefix: 'new', bodyLabel: 'What is known', entries, chosen, path: '/operate' })}
    <div>
      <label for="new-impact">Impact</label
      ><select id="new-impact" name="impact">
        <option value="minor">minor</option>
        <option value="major">major</option>
        <option value="critical">critical</option>
      </select>
    </div>
    <p><button class="btn">Open it</button></p>
  </form>`
