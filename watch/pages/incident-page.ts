/** One incident, whole: what happened, what shows it, why, how it went on, and how it was explained. */
import type { IncidentView, MaintenanceView } from '../incidents/index.ts'
import { ADVICE_LABEL, adviceFor, describeCause } from '../incidents/index.ts'
import { formatDuration } from './format.ts'
import { html, type Html } from './html.ts'
import {
  describeConfidence,
  describeForecast,
  describeLength,
  describeScope,
  renderCauses,
  renderContributions,
  renderExplanationState,
  renderMaintenanceCard,
  renderSteps,
  renderTime,
  renderTimeline,
  type BlockContext,
  renderUnchecked,
} from './incident-block.ts'
import { icon, renderPage } from './layout.ts'
import { renderWitnesses } from './peers-block.ts'
import { maintenanceWords, outageStateWords } from './words.ts'

export interface IncidentPageInput extends BlockContext {
  readonly incident: IncidentView
  readonly isExported?: boolean
}

function keyOf({ resolvedAtMs, uncheckedSinceMs, state }: IncidentView) {
  if (resolvedAtMs !== null) return 'up'
  if (uncheckedSinceMs !== undefined) return 'unknown'
  return state === 'suspected' ? 'suspected' : 'down'
}

/** Renders an incident's page. */
export function renderIncidentPage(input: IncidentPageInput): string {
  const { incident, view, links, now } = input
  const key = keyOf(incident)
  const forecast = describeForecast(incident, now)
  return renderPage({
    title: `${incident.title} · ${view.service.name}`,
    description: incident.updates[0]?.body,
    serviceName: view.service.name,
    links,
    scripts: incident.resolvedAtMs === null ? ['live.js'] : [],
    isStandalone: input.isExported,
    body: html`<div id="live" data-status="${links.statusJson()}">
      <div class="card hero s-${key}">
        ${icon(key)}
        <h1>${incident.title}</h1>
        <p>
          <b>${outageStateWords[incident.state]}</b> · ${describeScope(incident, view)} ·
          ${describeLength(incident, now)}
        </p>
      </div>
      ${incident.mergedInto && html`<p class="note">This is part of <a href="${links.incident(incident.mergedInto)}">another incident</a>.</p>`}
      ${renderUnchecked(incident, input)} ${forecast && html`<p class="note">${forecast}</p>`}
      ${
        incident.resolvedAtMs === null &&
        html`<p class="acts">
          <span><b>${ADVICE_LABEL}</b> ${adviceFor(incident.state, incident.cause)}</span>
        </p>`
      }
      <section>
        <h2>How it went</h2>
        <div class="card">${renderTimeline(incident, input)}</div>
      </section>
      ${
        incident.restoration &&
        incident.restoration.length > 0 &&
        html`<section>
          <h2>The way back</h2>
          ${renderSteps(incident.restoration, input)}
        </section>`
      }
      <section>
        <h2>Cause</h2>
        <div class="card">
          <p>${describeCause(incident)}</p>
          ${!incident.declared && renderCauses(incident)}
        </div>
      </section>
      <section>
        <h2>What shows it</h2>
        <div class="card">
          <p>That this is an outage is ${describeConfidence(incident)} sure.</p>
          ${renderContributions(incident.contributions)}
        </div>
      </section>
      ${renderWitnesses(incident, input)}
      <section>
        <h2>Times</h2>
        <div class="card">${renderTimes(input)}</div>
      </section>
      ${renderExplanation(input)}
    </div>`,
  })
}

function renderTimes(input: IncidentPageInput): Html {
  const { incident } = input
  const rows: [string, number | null][] = [
    ['Began', incident.startedAtMs],
    ['Found', incident.detectedAtMs],
    ['Confirmed', incident.confirmedAtMs],
    ['Cause found', incident.identifiedAtMs],
    ['Began to recover', incident.recoveringAtMs],
    ['Over', incident.resolvedAtMs],
  ]
  return html`<div class="scroll">
      <table>
        <caption class="vh">
          When what happened
        </caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">When</th>
            <th scope="col">After the onset</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ([words, atMs]) =>
              atMs !== null &&
              html`<tr>
                <td>${words}</td>
                <td>${renderTime(atMs, input)}</td>
                <td>${atMs === incident.startedAtMs ? '–' : formatDuration(atMs - incident.startedAtMs)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${incident.officialLagMs !== null && html`<p class="sub">The service said so itself ${formatDuration(incident.officialLagMs)} after the onset.</p>`}
    ${incident.relapses > 0 && html`<p class="sub">It came back ${incident.relapses} ${incident.relapses === 1 ? 'time' : 'times'} after it seemed over.</p>`}`
}

function renderExplanation(input: IncidentPageInput): Html | null {
  const { incident, now } = input
  if (incident.publicExplanation)
    return html`<section>
      <h2>Public explanation</h2>
      <div class="card prose">
        <p class="faint">${renderTime(incident.publicExplanation.at, input)}</p>
        ${incident.publicExplanation.body.split(/\n{2,}/).map((paragraph) => html`<p>${paragraph}</p>`)}
      </div>
    </section>`
  const state = incident.resolvedAtMs === null ? null : renderExplanationState(incident, now)
  return (
    state &&
    html`<section>
      <h2>Public explanation</h2>
      <p>${state}. Every confirmed outage gets one within 72 hours.</p>
    </section>`
  )
}

/** Renders a maintenance's page. */
export function renderMaintenancePage(
  input: BlockContext & { readonly maintenance: MaintenanceView; readonly isExported?: boolean },
): string {
  const { maintenance, view, links } = input
  return renderPage({
    title: `${maintenance.title} · ${view.service.name}`,
    description: maintenance.body,
    serviceName: view.service.name,
    links,
    isStandalone: input.isExported,
    body: html`<h1>Maintenance</h1>
      <section>${renderMaintenanceCard(maintenance, input)}</section>
      <section>
        <h2>How it goes</h2>
        <ol class="tl">
          ${maintenance.updates.map(
            (update) =>
              html`<li>
                <b>${maintenanceWords[update.status]}</b>
                <span class="faint">${renderTime(update.atMs, input)}</span>
                <p>${update.body}</p>
              </li>`,
          )}
          <li>
            <b>Announced</b> <span class="faint">${renderTime(maintenance.createdAtMs, input)}</span>
            <p>${maintenance.body}</p>
          </li>
        </ol>
        <p class="sub">Announced maintenance is not counted as an outage.</p>
      </section>`,
  })
}
