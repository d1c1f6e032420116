/** The cockpit's page of who is called: now, in the next days, in whose stead, in which order, and in which browsers. */
import type { OperatorActor } from '../operators/auth.ts'
import { renderOperatorPage } from '../operators/frame.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { formatDuration, formatInstant } from '../pages/format.ts'
import { html, trusted, type Html } from '../pages/html.ts'
import { describePage, renderRunbooks, ROLE_WORDS, type PageView } from './incident-block.ts'
import { toFieldValue } from './local-time.ts'
import type { Device } from './receivers.ts'
import type { Override, Shift } from './rota.ts'
import { allRunbooks } from './runbooks.ts'

const HOURS_OFFERED = [1, 2, 4, 8, 12, 24] as const

export interface RotaView {
  readonly id: string
  readonly name: string
  /** From now on, without holes; the first is the present one. */
  readonly shifts: readonly Shift[]
}

export interface ServiceOnCall {
  readonly entry: ServiceEntry
  readonly rotas: readonly RotaView[]
  /** Under way and to come. */
  readonly overrides: readonly Override[]
  /** Who of its people the reader is; null: none of them. */
  readonly ownPersonId: string | null
  /** Names of people who have no address that can be used now. */
  readonly unreachable: readonly string[]
}

export interface OnCallPageInput {
  readonly actor: OperatorActor
  readonly now: Date
  readonly services: readonly ServiceOnCall[]
  readonly pages: readonly { readonly view: PageView; readonly title: string; readonly href: string | null }[]
  readonly devices: readonly Device[]
  readonly vapidPublicKey: string
  /** Where links in pages lead while nobody has set a public address; null: one is set. */
  readonly localOrigin: string | null
  /** What just happened, in a sentence. */
  readonly note: string | null
}

/** Renders it. */
export function renderOnCallPage(input: OnCallPageInput): string {
  const { actor, services, note } = input
  const configured = services.filter(({ entry }) => entry.onCall.escalation.length > 0)
  return renderOperatorPage({
    title: 'On call',
    actor,
    current: 'on-call',
    scripts: ['push.js'],
    body: html`${note !== null && html`<p class="note" role="status">${note}</p>`}
      ${
        configured.length > 0 &&
        input.localOrigin !== null &&
        html`<p class="note">
          Links in pages lead to ${input.localOrigin}, which only this machine reaches: set WATCH_PUBLIC_URL.
        </p>`
      }
      ${configured.length === 0 && renderHowTo()}${configured.map((service) => renderService(service, input))}
      <section>
        <h2>Pages</h2>
        ${input.pages.length === 0 ? html`<p class="sub">Nobody was paged yet.</p>` : renderPages(input)}
      </section>
      ${renderDevices(input)}`,
  })
}

const renderHowTo = (): Html =>
  html`<section class="card prose">
    <p>Nobody is called when something breaks. A service’s file says who is:</p>
    <pre><code>onCall:
  people:
    - { id: ada, name: Ada, operator: ada, email: ada@example.org }
    - { id: bob, name: Bob, email: bob@example.org }
  rotas:
    - id: primary
      name: Primary
      layers:
        - { people: [ada, bob], startsOn: 2026-01-05, handover: { every: week, weekday: monday, at: '09:00' } }
  escalation:
    - { to: [rota:primary], waitMinutes: 10 }
    - { to: [person:ada, person:bob], waitMinutes: 15 }</code></pre>
  </section>`

function renderService(service: ServiceOnCall, input: OnCallPageInput): Html {
  const { entry, rotas } = service
  const mayAct = input.actor.role !== 'observer'
  return html`<section>
    <h2>${entry.name}</h2>
    ${service.unreachable.length > 0 && html`<p class="note">Can not be reached, for want of an address, a mail server or a browser: ${service.unreachable.join(', ')}.</p>`}
    ${rotas.map((rota) => renderRota(rota, service, input.now))}${service.overrides.length > 0 && renderOverrides(service, mayAct)}${mayAct && rotas.length > 0 && renderOverrideForms(service, input.now)}
    <details class="card">
      <summary>Who is called in which order</summary>
      ${renderEscalation(entry)}
    </details>
    <details class="card">
      <summary>What to do, cause by cause</summary>
      ${renderRunbooks(allRunbooks(entry))}
    </details>
    ${
      mayAct &&
      service.ownPersonId !== null &&
      html`<form method="post" action="/operate/on-call/test" class="acts">
        <input type="hidden" name="service" value="${entry.id}" /><button class="btn small">
          Page me, as a test
        </button>
      </form>`
    }
  </section>`
}

const nameOf = (entry: ServiceEntry, personId: string): string =>
  entry.onCall.people.find(({ id }) => id === personId)?.name ?? `${personId} (not among the people any more)`

function renderRota({ id, name, shifts }: RotaView, { entry }: ServiceOnCall, now: Date): Html {
  const [current, ...later] = shifts
  const at = (ms: number) => formatInstant(new Date(ms), entry.timeZone)
  const someone = ({ personId, because }: Shift): Html =>
    personId === null
      ? html`<b class="err">Nobody: a gap</b>`
      : html`<b>${nameOf(entry, personId)}</b
          >${because === 'override' && html` <span class="faint">(stands in)</span>`}`
  return html`<div class="card">
    <h3 id="rota-${id}">${name}</h3>
    ${current && html`<p>Now: ${someone(current)}, for ${formatDuration(current.untilMs - now.getTime())} more</p>`}
    ${
      later.length > 0 &&
      html`<details>
        <summary>The next ${later.length === 1 ? 'shift' : `${later.length} shifts`}</summary>
        <div class="scroll">
          <table aria-labelledby="rota-${id}">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Who</th>
              </tr>
            </thead>
            <tbody>
              ${later.map(
                (shift) =>
                  html`<tr>
                    <td>${at(shift.fromMs)}</td>
                    <td>${someone(shift)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>`
    }
  </div>`
}

function renderOverrides({ entry, overrides }: ServiceOnCall, mayAct: boolean): Html {
  const rotaName = (id: string) => entry.onCall.rotas.find((rota) => rota.id === id)?.name ?? id
  return html`<div class="card">
    <h3>Standing in</h3>
    ${overrides.map(
      ({ id, rotaId, personId, fromMs, untilMs }) =>
        html`<form class="acts" method="post" action="/operate/on-call/overrides/${id}/end">
          <p class="grow">
            ${nameOf(entry, personId)}, ${rotaName(rotaId)}:
            ${formatInstant(new Date(fromMs), entry.timeZone)} until
            ${formatInstant(new Date(untilMs), entry.timeZone)}
          </p>
          ${mayAct && html`<button class="btn small">End it</button>`}
        </form>`,
    )}
  </div>`
}

function renderOverrideForms(service: ServiceOnCall, now: Date): Html {
  const { entry, ownPersonId } = service
  const id = entry.id
  const rotas = html`<div>
    <label for="rota-of-${id}">Rota</label
    ><select id="rota-of-${id}" name="rota">
      ${entry.onCall.rotas.map((rota) => html`<option value="${rota.id}">${rota.name}</option>`)}
    </select>
  </div>`
  const field = (name: string, words: string, ms: number) =>
    html`<div>
      <label for="${name}-${id}">${words} (${entry.timeZone})</label
      ><input
        id="${name}-${id}"
        name="${name}"
        type="datetime-local"
        required
        value="${toFieldValue(ms, entry.timeZone)}"
      />
    </div>`
  const hourMs = Math.floor(now.getTime() / 3_600_000) * 3_600_000
  return html`<details class="card">
    <summary>Change who is on call</summary>
    ${ownPersonId !== null && renderTakeOver(entry, ownPersonId)}
    <form class="form acts" method="post" action="/operate/on-call/overrides">
      <input type="hidden" name="service" value="${id}" />
      ${rotas}
      <div>
        <label for="person-${id}">Who stands in</label
        ><select id="person-${id}" name="person">
          ${entry.onCall.people.map((person) => html`<option value="${person.id}">${person.name}</option>`)}
        </select>
      </div>
      ${field('from', 'From', hourMs)}${field('until', 'Until', hourMs + 8 * 3_600_000)}
      <p><button class="btn">Let them stand in</button></p>
    </form>
  </details>`
}

const renderTakeOver = (entry: ServiceEntry, ownPersonId: string): Html =>
  html`<form class="form" method="post" action="/operate/on-call/overrides">
    <input type="hidden" name="service" value="${entry.id}" /><input
      type="hidden"
      name="person"
      value="${ownPersonId}"
    />
    <div>
      <label for="own-rota-${entry.id}">I take over</label
      ><select id="own-rota-${entry.id}" name="rota">
        ${entry.onCall.rotas.map((rota) => html`<option value="${rota.id}">${rota.name}</option>`)}
      </select>
    </div>
    <div>
      <label for="hours-${entry.id}">From now, for</label
      ><select id="hours-${entry.id}" name="hours">
        ${HOURS_OFFERED.map((hours) => html`<option value="${hours}" ${hours === 8 && trusted(' selected')}>${hours} h</option>`)}
      </select>
    </div>
    <p><button class="btn main">I take over now</button></p>
  </form>`

function renderEscalation(entry: ServiceEntry): Html {
  const { escalation, repeats, pageFrom, blindAfterMinutes, rotas, people } = entry.onCall
  const words = (target: string): string => {
    const [kind, id] = target.split(':') as [string, string]
    if (kind === 'rota') return `whoever is on call in ${rotas.find((rota) => rota.id === id)?.name ?? id}`
    if (kind === 'person') return people.find((person) => person.id === id)?.name ?? id
    return `whoever has the role “${ROLE_WORDS[id as keyof typeof ROLE_WORDS]}”`
  }
  return html`<ol class="prose numbered">
      ${escalation.map(({ to, waitMinutes }) => html`<li>${to.map(words).join(', ')}; then wait ${waitMinutes} min.</li>`)}
    </ol>
    <p class="sub">
      ${repeats === 0 ? 'Once.' : `Then from the beginning, ${repeats} more ${repeats === 1 ? 'time' : 'times'}.`}
      For confirmed outages of the impact ${pageFrom} and
      above${blindAfterMinutes === null ? '' : `, and when the watch itself has been blind for ${blindAfterMinutes} min`}.
    </p>`
}

function renderPages({ pages, now, services, actor }: OnCallPageInput): Html {
  return html`<ul class="card">
    ${pages.map(({ view: { page, told }, title, href }) => {
      const timeZone = services.find(({ entry }) => entry.id === page.serviceId)?.entry.timeZone ?? 'Etc/UTC'
      const names = [...new Set(told.map(({ name }) => name))]
      return html`<li class="comp">
        <h3>${href === null ? title : html`<a href="${href}">${title}</a>`}</h3>
        <p class="meta"><span>${formatInstant(new Date(page.openedAtMs), timeZone)}</span></p>
        <p class="${page.state === 'unanswered' ? 'err' : 'sub'}">
          ${describePage(page, { timeZone, now })} ${names.length > 0 && `Called: ${names.join(', ')}.`}
        </p>
        ${
          (page.state === 'paging' || page.state === 'unanswered') &&
          actor.role !== 'observer' &&
          html`<form method="post" action="/operate/pages/${page.id}/acknowledge" class="acts">
            <button class="btn main">I take it</button>
          </form>`
        }
      </li>`
    })}
  </ul>`
}

const renderDevices = ({ devices, vapidPublicKey, services }: OnCallPageInput): Html =>
  html`<section>
    <h2>Your browsers</h2>
    <p class="sub">
      ${services.some(({ ownPersonId }) => ownPersonId !== null) ? 'They are paged when you are.' : 'They are paged once a service’s file names you among its people (operator: your name).'}
    </p>
    ${devices.map(
      ({ subscriptionId, label, addedAtMs }) =>
        html`<form class="acts" method="post" action="/operate/on-call/devices/${subscriptionId}/end">
          <p class="grow">${label}, since ${formatInstant(new Date(addedAtMs), 'Etc/UTC')}</p>
          <button class="btn small">Stop paging this browser</button>
        </form>`,
    )}
    <div id="push" data-key="${vapidPublicKey}" data-url="/operate/on-call/devices" hidden>
      <p class="acts"><button class="btn" type="button" id="push-start">Page me in this browser</button></p>
      <p id="push-result" role="status" class="sub"></p>
    </div>
    <noscript
      ><p class="sub">
        Browsers are paged by push, which takes a script; mail and webhooks do not.
      </p></noscript
    >
  </section>`
