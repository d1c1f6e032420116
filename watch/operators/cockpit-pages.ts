/** The cockpit: what is going on, and everything that an operator may do about it, each in one form. */
import type { AuditEntry, IncidentView, MaintenanceView, StatusView } from '../incidents/index.ts'
import { formatDuration, formatInstant, formatShare } from '../pages/format.ts'
import { html, trusted, type Html } from '../pages/html.ts'
import { describeCause, describeLength, describeScope } from '../pages/incident-block.ts'
import { cellStateWords, maintenanceWords, outageStateWords } from '../pages/words.ts'
import type { Operator, OperatorActor } from './auth.ts'
import { OPERATOR_ROLES } from '../app/actor.ts'
import { renderOperatorPage } from './frame.ts'

const selected = (is: boolean) => is && trusted(' selected')

export interface CockpitInput {
  readonly actor: OperatorActor
  readonly views: readonly StatusView[]
  readonly open: readonly IncidentView[]
  /** Confirmed, over, and without a public explanation in time. */
  readonly overdue: readonly IncidentView[]
  readonly now: Date
}

const viewOf = (views: readonly StatusView[], serviceId: string): StatusView =>
  views.find(({ service }) => service.id === serviceId)!

/** Renders the first page: what is open, what is overdue, and the cells that are not fine. */
export function renderCockpit({ actor, views, open, overdue, now }: CockpitInput): string {
  return renderOperatorPage({
    title: 'Incidents',
    actor,
    current: 'incidents',
    body: html`${
        overdue.length > 0 &&
        html`<section>
          <h2>Explanations that are overdue</h2>
          <ul class="card">
            ${overdue.map(
              (incident) =>
                html`<li class="comp">
                  <h3><a href="/operate/incidents/${incident.id}">${incident.title}</a></h3>
                  <p class="err">
                    Overdue by ${formatDuration(now.getTime() - incident.explanationDueAtMs!)}
                  </p>
                </li>`,
            )}
          </ul>
        </section>`
      }
      <section>
        <h2>Open</h2>
        ${open.length === 0 ? html`<p class="sub">Nothing is open.</p>` : open.map((incident) => renderOpen(incident, viewOf(views, incident.serviceId), now, actor))}
      </section>
      <section>
        <h2>Signals</h2>
        ${views.map(renderCells)}
      </section>
      ${
        actor.role !== 'observer' &&
        html`<section>
          <h2>Open an incident that no signal shows</h2>
          ${renderOpenForm(views)}
        </section>`
      }`,
  })
}

function renderOpen(incident: IncidentView, view: StatusView, now: Date, actor: OperatorActor): Html {
  const isSuspected = incident.state === 'suspected'
  return html`<article class="card inc s-${isSuspected ? 'suspected' : 'down'}">
    <h3><a href="/operate/incidents/${incident.id}">${incident.title}</a></h3>
    <p class="meta">
      <span class="st">${outageStateWords[incident.state]}</span><span>${view.service.name}</span
      ><span>${describeScope(incident, view)}</span><span>${describeLength(incident, now)}</span
      ><span>${formatShare(incident.confidence)} sure</span>
    </p>
    <p class="sub">${describeCause(incident)}</p>
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
            ${cells.slice(0, 100).map(
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

/** What an incident and a maintenance window are told by: title, text, and which features they are about. */
const renderAnnouncement = (prefix: string, bodyLabel: string): Html =>
  html`<div>
      <label for="${prefix}-title">Title</label
      ><input id="${prefix}-title" name="title" required maxlength="200" />
    </div>
    <div>
      <label for="${prefix}-body">${bodyLabel}</label
      ><textarea id="${prefix}-body" name="body" rows="3" required maxlength="10000"></textarea>
    </div>
    <div>
      <label for="${prefix}-features">Features (ids, with commas; none: all)</label
      ><input id="${prefix}-features" name="features" maxlength="2000" />
    </div>`

function renderOpenForm(views: readonly StatusView[]): Html {
  return html`<form class="card form" method="post" action="/operate/incidents">
    ${renderServiceSelect(views, 'new')} ${renderAnnouncement('new', 'What is known')}
    <div>
      <label for="new-regions">Regions (ids, with commas; none: all)</label
      ><input id="new-regions" name="regions" maxlength="2000" />
    </div>
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
}

const renderServiceSelect = (views: readonly StatusView[], id: string): Html =>
  html`<div>
    <label for="${id}-service">Service</label
    ><select id="${id}-service" name="service">
      ${views.map(({ service }) => html`<option value="${service.id}">${service.name}</option>`)}
    </select>
  </div>`

/** Renders maintenance: what is planned, its next step, and a form for another. */
export function renderMaintenances(input: {
  readonly actor: OperatorActor
  readonly views: readonly StatusView[]
  readonly maintenances: readonly MaintenanceView[]
}): string {
  const { actor, views, maintenances } = input
  const mayAct = actor.role !== 'observer'
  const next = { scheduled: 'in_progress', in_progress: 'verifying', verifying: 'completed' } as const
  return renderOperatorPage({
    title: 'Maintenance',
    actor,
    current: 'maintenances',
    body: html`<section>
        ${maintenances.length === 0 && html`<p class="sub">None is planned.</p>`}${maintenances.map((one) => {
          const step = one.status === 'completed' ? null : next[one.status]
          return html`<article class="card">
            <h3>${one.title}</h3>
            <p class="meta">
              <span>${maintenanceWords[one.status]}</span
              ><span
                >${formatInstant(new Date(one.scheduledForMs), 'Etc/UTC')} until
                ${formatInstant(new Date(one.scheduledUntilMs), 'Etc/UTC')}</span
              >
            </p>
            ${
              mayAct &&
              step &&
              html`<form class="form acts" method="post" action="/operate/maintenances/${one.id}">
                <input type="hidden" name="status" value="${step}" />
                <div>
                  <label for="b-${one.id}">What people read</label
                  ><input
                    id="b-${one.id}"
                    name="body"
                    required
                    maxlength="2000"
                    value="${maintenanceWords[step]}."
                  />
                </div>
                <p><button class="btn">Now: ${maintenanceWords[step].toLowerCase()}</button></p>
              </form>`
            }
          </article>`
        })}
      </section>
      ${
        mayAct &&
        html`<section>
          <h2>Announce one</h2>
          <form class="card form" method="post" action="/operate/maintenances">
            ${renderServiceSelect(views, 'm')} ${renderAnnouncement('m', 'What people read')}
            <div>
              <label for="m-from">From (UTC)</label
              ><input id="m-from" name="from" type="datetime-local" required />
            </div>
            <div>
              <label for="m-until">Until (UTC)</label
              ><input id="m-until" name="until" type="datetime-local" required />
            </div>
            <p><button class="btn main">Announce it to everyone</button></p>
          </form>
        </section>`
      }`,
  })
}

/** Renders the audit log, newest first. */
export function renderAudit(
  actor: OperatorActor,
  entries: readonly AuditEntry[],
  olderHref: string | null,
): string {
  return renderOperatorPage({
    title: 'Log',
    actor,
    current: 'audit',
    body: html`<section class="card">
        <div class="scroll">
          <table>
            <caption class="vh">
              Who did what
            </caption>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">To what</th>
              </tr>
            </thead>
            <tbody>
              ${entries.map(
                ({ atMs, actor: who, action, subject }) =>
                  html`<tr>
                    <td>${formatInstant(new Date(atMs), 'Etc/UTC')}</td>
                    <td>${who}</td>
                    <td>${action}</td>
                    <td>${subject}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>
      ${olderHref && html`<p class="acts"><a class="btn small" href="${olderHref}">Older</a></p>`}`,
  })
}

/** Renders who may operate, for admins. */
export function renderPeople(input: {
  readonly actor: OperatorActor
  readonly people: readonly Operator[]
  /** A link that was just made; it is shown once. */
  readonly invitation: string | null
}): string {
  const { actor, people, invitation } = input
  const roles = (current: string) =>
    OPERATOR_ROLES.map((role) => html`<option value="${role}" ${selected(role === current)}>${role}</option>`)
  return renderOperatorPage({
    title: 'People',
    actor,
    current: 'people',
    body: html`${invitation && html`<p class="note">Give this link to one person; it works once, for 48 hours: <code>${invitation}</code></p>`}
      <section>
        ${people.map(
          ({ id, name, role }) =>
            html`<article class="card">
              <h3>${name}</h3>
              ${
                id === actor.id
                  ? html`<p class="sub">${role}: this is you.</p>`
                  : html`<form class="acts" method="post" action="/operate/people/${id}">
                      <label class="vh" for="r-${id}">Role of ${name}</label
                      ><select id="r-${id}" name="role">
                        ${roles(role)}
                        <option value="none">remove</option></select
                      ><button class="btn small">Change</button>
                    </form>`
              }
            </article>`,
        )}
      </section>
      <section>
        <h2>Invite</h2>
        <form class="card form" method="post" action="/operate/people">
          <div>
            <label for="role">Role</label
            ><select id="role" name="role">
              ${roles('responder')}
            </select>
            <p class="hint">Observers read, responders work on incidents, admins also decide who may.</p>
          </div>
          <p><button class="btn">Make a link</button></p>
        </form>
      </section>`,
  })
}
