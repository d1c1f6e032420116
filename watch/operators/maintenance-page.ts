/** Maintenance in the cockpit: what is planned, its next step, and a form for another. */
import type { ServiceEntry } from '../configuration/index.ts'
import type { MaintenanceView, StatusView } from '../incidents/index.ts'
import { formatInstant } from '../pages/format.ts'
import { html, type Html } from '../pages/html.ts'
import { describeScope } from '../pages/incident-block.ts'
import { maintenanceWords } from '../pages/words.ts'
import { renderAnnouncement } from './announcement.ts'
import type { OperatorActor } from './auth.ts'
import { renderOperatorPage } from './frame.ts'

export interface MaintenancesInput {
  readonly actor: OperatorActor
  readonly entries: readonly ServiceEntry[]
  /** The service that the form is for; null: none is watched. */
  readonly chosen: ServiceEntry | null
  readonly maintenances: readonly { readonly one: MaintenanceView; readonly view: StatusView }[]
}

const NEXT = { scheduled: 'in_progress', in_progress: 'verifying', verifying: 'completed' } as const

/** Renders it. */
export function renderMaintenances(input: MaintenancesInput): string {
  const { actor, entries, chosen, maintenances } = input
  const mayAct = actor.role !== 'observer'
  return renderOperatorPage({
    title: 'Maintenance',
    actor,
    current: 'maintenances',
    body: html`<section>
        ${maintenances.length === 0 && html`<p class="sub">None is planned.</p>`}${maintenances.map((one) => renderWindow(one, mayAct))}
      </section>
      ${
        mayAct &&
        chosen &&
        html`<section>
          <h2>Announce one</h2>
          <form class="card form" method="post" action="/operate/maintenances">
            ${renderAnnouncement({ prefix: 'm', bodyLabel: 'What people read', entries, chosen, path: '/operate/maintenances' })}
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

function renderWindow({ one, view }: MaintenancesInput['maintenances'][number], mayAct: boolean): Html {
  const step = one.status === 'completed' ? null : NEXT[one.status]
  const at = (ms: number) => formatInstant(new Date(ms), 'Etc/UTC')
  return html`<article class="card">
    <h3>${one.title}</h3>
    <p class="meta">
      <span>${maintenanceWords[one.status]}</span><span>${view.service.name}</span
      ><span>${describeScope(one, view)}</span
      ><span>${at(one.scheduledForMs)} until ${at(one.scheduledUntilMs)}</span>
    </p>
    ${
      mayAct &&
      step &&
      html`<form class="form acts" method="post" action="/operate/maintenances/${one.id}">
        <input type="hidden" name="status" value="${step}" />
        <div>
          <label for="b-${one.id}">What people read</label
          ><input id="b-${one.id}" name="body" required maxlength="2000" value="${maintenanceWords[step]}." />
        </div>
        <p><button class="btn">Now: ${maintenanceWords[step].toLowerCase()}</button></p>
      </form>`
    }
  </article>`
}
