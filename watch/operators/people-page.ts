/** Who may operate the watch, for admins. */
import { OPERATOR_ROLES } from '../app/actor.ts'
import { html, trusted } from '../pages/html.ts'
import type { OperatorActor } from './auth.ts'
import { renderOperatorPage } from './frame.ts'
import type { Operator } from './standing.ts'

const selected = (is: boolean) => is && trusted(' selected')

/** Renders the list, with a form for each. */
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
