/** One incident in the cockpit: its evidence, and a form for each thing that can be done to it. */
import { CAUSES, OUTAGE_STATES, type OutageState } from '../../engines/detect/types.ts'
import { CAUSE_WORDS, type IncidentView, type StatusView } from '../incidents/index.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { describeImpact, renderIncidentFollowUps, type FollowUp, type Impact } from '../follow-up/index.ts'
import {
  renderPage,
  renderRoles,
  renderRunbooks,
  type HeldRole,
  type PageView,
  type Runbook,
} from '../on-call/index.ts'
import { html, trusted, type Html } from '../pages/html.ts'
import {
  describeLength,
  describeScope,
  renderCauses,
  renderContributions,
  renderTimeline,
} from '../pages/incident-block.ts'
import { icon } from '../pages/layout.ts'
import { serverLinks } from '../pages/links.ts'
import { outageStateWords } from '../pages/words.ts'
import type { AuditLine } from './audit-words.ts'
import { renderLines } from './audit-page.ts'
import type { OperatorActor } from './auth.ts'
import { renderOperatorPage } from './frame.ts'

const selected = (is: boolean) => is && trusted(' selected')

export interface IncidentCockpitInput {
  readonly actor: OperatorActor
  readonly incident: IncidentView
  readonly view: StatusView
  readonly now: Date
  readonly entry: ServiceEntry | undefined
  readonly impact: Impact
  /** Null: nobody was paged. */
  readonly page: PageView | null
  readonly roles: readonly HeldRole[]
  readonly runbooks: readonly Runbook[]
  /** Names of those who sign in. */
  readonly operators: readonly string[]
  readonly followUps: readonly FollowUp[]
  /** What was done to it, newest first. */
  readonly actions: readonly AuditLine[]
  /** The template that was asked for, as the text to begin with. */
  readonly template: { readonly state: OutageState; readonly body: string } | null
  readonly explanationDraft: string
  /** Open incidents that this one may take in. */
  readonly others: readonly IncidentView[]
}

/** Renders one incident with all that can be done to it. */
export function renderIncidentCockpit(input: IncidentCockpitInput): string {
  const { actor, incident, view, now } = input
  const context = { view, links: serverLinks(view.service.id), now }
  const mayAct = actor.role !== 'observer'
  return renderOperatorPage({
    title: incident.title,
    actor,
    current: 'incidents',
    body: html`<p class="meta">
        <span>${icon(incident.resolvedAtMs === null ? 'down' : 'up')}</span
        ><span>${outageStateWords[incident.state]}</span><span>${describeScope(incident, view)}</span
        ><span>${describeLength(incident, now)}</span
        ><a href="${context.links.incident(incident.id)}">as people see it</a>
      </p>
      ${
        incident.isUnwritten &&
        html`<p class="note">
          Not written down yet: the disk takes nothing. What is changed here is refused until it does.
        </p>`
      }
      ${mayAct && incident.state === 'suspected' && html`<form method="post" action="/operate/incidents/${incident.id}/confirm" class="acts"><button class="btn main">Confirm: it is an outage</button></form>`}
      ${renderCall(input)}
      <section>
        <h2>Evidence</h2>
        <div class="card">${renderContributions(incident.contributions)}${renderCauses(incident)}</div>
        <p class="sub">${describeImpact(input.impact)}</p>
      </section>
      ${mayAct && html`${renderCauseForm(incident)}${renderUpdateForm(input)}${renderMergeForm(input)}${incident.confirmedAtMs !== null && renderExplanationForm(input)}`}
      ${incident.confirmedAtMs !== null && renderFollowUpSection(input)}
      <section>
        <h2>How it went</h2>
        <div class="card">${renderTimeline(incident, context)}</div>
      </section>
      <section>
        <h2>Who did what</h2>
        ${input.actions.length === 0 ? html`<p class="sub">Nobody did anything yet.</p>` : html`<div class="card">${renderLines(input.actions, false)}</div>`}
      </section>`,
  })
}

/** Who was called, who does what, and what to do first. */
function renderCall(input: IncidentCockpitInput): Html {
  const { actor, incident, entry, page, roles, operators, now, view } = input
  const mayAct = actor.role !== 'observer'
  return html`<section>
      <h2>On call</h2>
      ${page ? renderPage(page, { timeZone: view.service.timeZone, now, mayAct }) : html`<p class="card sub">Nobody was paged.</p>`}
      ${renderRoles({ incidentId: incident.id, entry, roles, operators, mayAct })}
    </section>
    <section id="runbook">
      <h2>What to do first</h2>
      ${renderRunbooks(input.runbooks)}
    </section>`
}

function renderFollowUpSection(input: IncidentCockpitInput): Html {
  const { actor, incident, entry, followUps, operators, now, view } = input
  const people = entry?.onCall.people.map(({ name }) => name) ?? []
  return html`<section id="follow-ups">
    <h2>Follow-ups</h2>
    ${renderIncidentFollowUps(followUps, {
      timeZone: view.service.timeZone,
      now,
      mayAct: actor.role !== 'observer',
      incidentId: incident.id,
      names: [...new Set([...people, ...operators])],
    })}
  </section>`
}

const renderCauseForm = (incident: IncidentView): Html =>
  html`<section>
    <h2>Correct the cause</h2>
    <form class="card form" method="post" action="/operate/incidents/${incident.id}/cause">
      <div>
        <label for="cause">Cause</label
        ><select id="cause" name="cause">
          <option value="">as the detector says</option>
          ${CAUSES.map((cause) => html`<option value="${cause}" ${selected(incident.isCauseByOperator && cause === incident.cause)}>${CAUSE_WORDS[cause]}</option>`)}
        </select>
      </div>
      <p><button class="btn">Set it</button></p>
    </form>
  </section>`

function renderUpdateForm({ incident, template }: IncidentCockpitInput): Html | null {
  const state = template?.state ?? incident.state
  return html`<section>
    <h2>Post an update</h2>
    <div class="card">
      <p class="sub">
        Begin with a template:
        ${OUTAGE_STATES.slice(1).map((one) => html`<a href="/operate/incidents/${incident.id}?template=${one}#update">${outageStateWords[one].toLowerCase()}</a> `)}
      </p>
      <form class="form acts" id="update" method="post" action="/operate/incidents/${incident.id}/updates">
        <div>
          <label for="state">State</label
          ><select id="state" name="state">
            ${OUTAGE_STATES.slice(1).map((one) => html`<option value="${one}" ${selected(one === state)}>${outageStateWords[one]}</option>`)}
          </select>
        </div>
        <div>
          <label for="body">What people read: what, why, until when, what to do</label
          ><textarea id="body" name="body" rows="5" required maxlength="10000">
${template?.body ?? ''}</textarea>
        </div>
        <p><button class="btn main">Post it to everyone</button></p>
      </form>
    </div>
  </section>`
}

function renderMergeForm({ incident, others }: IncidentCockpitInput): Html | null {
  if (others.length === 0) return null
  return html`<section>
    <h2>Take others in</h2>
    <form class="card form" method="post" action="/operate/incidents/${incident.id}/merge">
      <fieldset>
        <legend>These are part of it</legend>
        ${others.map(({ id, title }) => html`<label class="check"><input type="checkbox" name="ids" value="${id}" />${title}</label>`)}
      </fieldset>
      <p><button class="btn">Merge them into this one</button></p>
    </form>
  </section>`
}

const renderExplanationForm = ({ incident, explanationDraft }: IncidentCockpitInput): Html =>
  html`<section>
    <h2>Public explanation</h2>
    <form class="card form" method="post" action="/operate/incidents/${incident.id}/explanation">
      <div>
        <label for="explanation"
          >Every confirmed outage gets one within 72 hours of its end. The draft is made of the evidence; what
          is in square brackets only you know.</label
        ><textarea id="explanation" name="body" rows="14" required maxlength="10000">
${incident.publicExplanation?.body ?? explanationDraft}</textarea>
      </div>
      <p><button class="btn">Publish it</button></p>
    </form>
  </section>`
