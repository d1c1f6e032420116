/** How an incident and a maintenance look: in short on the status page, whole on their own. */
import {
  ADVICE_LABEL,
  adviceFor,
  CAUSE_WORDS,
  describeCause,
  type IncidentView,
  joinNames,
  likeThisOne,
  type MaintenanceView,
  type RestorationStepView,
  type StatusView,
} from '../incidents/index.ts'
import type { SignalKind } from '../../engines/detect/types.ts'
import { formatAge, formatDuration, formatInstant, formatShare } from './format.ts'
import { html, type Html } from './html.ts'
import type { Links } from './links.ts'
import { evidenceWords, maintenanceWords, outageStateWords, signalWords } from './words.ts'
import { authorOf, renderSeenBy } from './seen-by.ts'

export interface BlockContext {
  readonly view: StatusView
  readonly links: Links
  readonly now: Date
}

/** An instant that machines can read too. */
export function renderTime(atMs: number, context: BlockContext): Html {
  const at = new Date(atMs)
  return html`<time datetime="${at.toISOString()}">${formatInstant(at, context.view.service.timeZone)}</time>`
}

/** Names of components and regions, as a person knows them. */
export function describeScope(
  scope: { readonly featureIds: readonly string[]; readonly regions: readonly string[] },
  view: StatusView,
): string {
  const names = scope.featureIds.map(
    (slug) => view.components.find((component) => component.slug === slug)?.name ?? slug,
  )
  const regionNames = new Map(
    view.components.flatMap((component) => component.regions.map(({ id, name }) => [id, name] as const)),
  )
  const what = names.length === 0 ? 'All of it' : joinNames(names)
  const isEverywhere = scope.regions.length === 0 || scope.regions.length >= regionNames.size
  const where = scope.regions.map((id) => regionNames.get(id) ?? id)
  return isEverywhere ? `${what}, everywhere` : `${what}, in ${joinNames(where)}`
}

/** `Down for 12 min`, `Lasted 3 h`. */
export function describeLength(incident: IncidentView, now: Date): string {
  if (incident.resolvedAtMs !== null)
    return `Lasted ${formatDuration(incident.resolvedAtMs - incident.startedAtMs)}`
  return `For ${formatDuration(now.getTime() - incident.startedAtMs)} so far`
}

/** How long it will last, with its interval; says so when nothing is known. */
export function describeForecast(incident: IncidentView, now: Date): string | null {
  if (incident.resolvedAtMs !== null) return null
  const untilMs = incident.declared?.untilMs ?? null
  if (untilMs !== null && untilMs > now.getTime())
    return `The service’s operator has ordered it for ${formatDuration(untilMs - now.getTime())} more.`
  if (incident.forecast === null)
    return 'Too little is known of this kind of outage to say how long it will last.'
  const left = (ms: number) => Math.max(60_000, incident.updatedAtMs + ms - now.getTime())
  const { medianMs, lowMs, highMs } = incident.forecast
  return `${likeThisOne(incident.forecast)} about ${formatDuration(left(medianMs))} more; nine of ten between ${formatDuration(left(lowMs))} and ${formatDuration(left(highMs))}.`
}

/** An incident on the status page. */
export function renderIncidentCard(incident: IncidentView, context: BlockContext): Html {
  const { view, links, now } = context
  const latest = incident.updates[0]
  const forecast = describeForecast(incident, now)
  return html`<article
    class="card inc s-${incident.uncheckedSinceMs !== undefined ? 'unknown' : incident.state === 'resolved' ? 'up' : incident.state === 'suspected' ? 'suspected' : incident.state === 'recovering' ? 'recovering' : 'down'}"
  >
    <h3><a href="${links.incident(incident.id)}">${incident.title}</a></h3>
    <p class="meta">
      <span class="st">${outageStateWords[incident.state]}</span><span>${describeScope(incident, view)}</span
      ><span>${describeLength(incident, now)}</span>
    </p>
    ${renderUnchecked(incident, context)}
    <p class="sub">${describeCause(incident)}${forecast && ` ${forecast}`}</p>
    ${renderSeenBy(incident, context)}
    ${
      latest &&
      html`<ol class="tl">
        <li>
          <b>${outageStateWords[latest.state]}</b>
          <span class="faint">${renderTime(latest.atMs, context)}</span>
          <p>${latest.body}</p>
        </li>
      </ol>`
    }
    ${incident.resolvedAtMs === null && html`<p class="sub"><b>${ADVICE_LABEL}</b> ${adviceFor(incident.state, incident.cause)}</p>`}
  </article>`
}

/** A watch that was just started knows only what it knew before: whether it is still so is unknown. */
export function renderUnchecked({ uncheckedSinceMs }: IncidentView, context: BlockContext): Html | null {
  if (uncheckedSinceMs === undefined) return null
  return html`<p class="note">
    Not checked since ${renderTime(uncheckedSinceMs, context)}: the watch was started anew, and whether it is
    still so is unknown until its first check.
  </p>`
}

/** An incident that is over, as one line of a list. */
export function renderIncidentRow(incident: IncidentView, context: BlockContext): Html {
  return html`<li class="comp">
    <h3><a href="${context.links.incident(incident.id)}">${incident.title}</a></h3>
    <p class="meta">
      <span>${renderTime(incident.startedAtMs, context)}</span
      ><span>${describeLength(incident, context.now)}</span
      ><span>${describeScope(incident, context.view)}</span>${renderExplanationState(incident, context.now)}
    </p>
  </li>`
}

/** Every confirmed outage gets a public explanation; what is overdue is said. */
export function renderExplanationState(incident: IncidentView, now: Date): Html | null {
  if (incident.explanationDueAtMs === null) return null
  if (incident.publicExplanation) return html`<span class="ok">Explained</span>`
  const overdueMs = now.getTime() - incident.explanationDueAtMs
  return overdueMs > 0
    ? html`<span class="err">Explanation overdue by ${formatDuration(overdueMs)}</span>`
    : html`<span>Explanation due ${formatAge(new Date(incident.explanationDueAtMs), now)}</span>`
}

/** All updates, newest first. */
export function renderTimeline(incident: IncidentView, context: BlockContext): Html {
  return html`<ol class="tl">
    ${incident.updates.map(
      (update) =>
        html`<li>
          <b>${outageStateWords[update.state]}</b>
          <span class="faint">${renderTime(update.atMs, context)} · ${authorOf(update, incident)}</span>
          <p>${update.body}</p>
        </li>`,
    )}
  </ol>`
}

/** The service's own steps on its way back, oldest first. */
export function renderSteps(steps: readonly RestorationStepView[], context: BlockContext): Html {
  return html`<div class="card">
    <p class="sub">As ${context.view.service.name} tells it: what opened again, and to how many people.</p>
    <div class="scroll">
      <table>
        <caption class="vh">
          Steps of the way back
        </caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Step</th>
            <th scope="col">Open to</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${steps.map(
            ({ step, atMs, share, why }) =>
              html`<tr>
                <td>${renderTimeOfDay(atMs, context)}</td>
                <td>${capitalise(step.replaceAll('-', ' '))}</td>
                <td>${share === 0 ? 'nobody' : formatShare(share)}</td>
                <td>${why}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </div>`
}

/** To the second: steps follow each other quickly. */
function renderTimeOfDay(atMs: number, { view }: BlockContext): Html {
  const at = new Date(atMs)
  const words = at.toLocaleTimeString('en-GB', { timeZone: view.service.timeZone, timeZoneName: 'short' })
  return html`<time datetime="${at.toISOString()}">${words}</time>`
}

/** The causes with what speaks for and against each. */
export function renderCauses(incident: IncidentView): Html {
  const shown = incident.causes
    .filter(({ probability }, rank) => rank === 0 || probability >= 0.05)
    .slice(0, 5)
  return html`${shown.map(
    ({ cause, probability, evidenceFor, evidenceAgainst }) =>
      html`<div class="cause">
        <h3>
          ${capitalise(CAUSE_WORDS[cause])} <span class="faint">${Math.round(probability * 100)} %</span>
        </h3>
        ${evidenceFor.length > 0 && html`<p class="sub">For it: ${evidenceFor.map(evidenceWords).join('; ')}.</p>`}${evidenceAgainst.length > 0 && html`<p class="sub">Against it: ${evidenceAgainst.map(evidenceWords).join('; ')}.</p>`}
      </div>`,
  )}`
}

/** How much each kind of signal says, as a table. */
export function renderContributions(contributions: Readonly<Partial<Record<SignalKind, number>>>): Html {
  const rows = (Object.entries(contributions) as [SignalKind, number][]).toSorted((a, b) => b[1] - a[1])
  if (rows.length === 0)
    return html`<p class="sub">No signal of ours stands behind it: an operator opened it.</p>`
  return html`<div class="scroll">
      <table>
        <caption class="vh">
          What each kind of signal says
        </caption>
        <thead>
          <tr>
            <th scope="col">Signal</th>
            <th scope="col">Says</th>
            <th scope="col">Weight</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ([kind, weight]) =>
              html`<tr>
                <td>${signalWords[kind]}</td>
                <td>${weight > 0.1 ? 'broken' : weight < -0.1 ? 'works' : 'nothing clear'}</td>
                <td>${weight.toFixed(1)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="faint">
      Weight is the logarithm of the odds that it is broken: 2.3 makes it ten times as likely, −2.3 a tenth.
    </p>`
}

/** A maintenance on the status page. */
export function renderMaintenanceCard(maintenance: MaintenanceView, context: BlockContext): Html {
  const { view, links } = context
  return html`<article class="card inc s-maintenance">
    <h3><a href="${links.maintenance(maintenance.id)}">${maintenance.title}</a></h3>
    <p class="meta">
      <span class="st">${maintenanceWords[maintenance.status]}</span
      ><span>${describeScope(maintenance, view)}</span
      ><span
        >${renderTime(maintenance.scheduledForMs, context)} until
        ${renderTime(maintenance.scheduledUntilMs, context)}</span
      >
    </p>
    <p class="sub">${maintenance.updates[0]?.body ?? maintenance.body}</p>
  </article>`
}

/** `92 %`: how sure the watch is that it is an outage. */
export const describeConfidence = (incident: IncidentView): string => formatShare(incident.confidence)

const capitalise = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)
