/** Follow-ups in the cockpit: of one incident, and all that are open. */
import type { OperatorActor } from '../operators/auth.ts'
import { renderOperatorPage } from '../operators/frame.ts'
import { formatDay, formatInstant } from '../pages/format.ts'
import { html, type Html } from '../pages/html.ts'
import { isOverdue, type FollowUp } from './follow-ups.ts'

export interface FollowUpContext {
  readonly timeZone: string
  readonly now: Date
  readonly mayAct: boolean
}

/** One of them as an item of a list. */
export function renderFollowUp(followUp: FollowUp, context: FollowUpContext, about: Html | null): Html {
  const { id, text, owner, dueOn, doneAtMs } = followUp
  const overdue = isOverdue(followUp, context.timeZone, context.now.getTime())
  return html`<li class="comp">
    <p>${text}</p>
    <p class="meta">
      ${about}<span>${owner || 'nobody yet'}</span>
      ${
        doneAtMs === null
          ? html`<span class="${overdue ? 'err' : ''}"
              >${dueOn === null ? 'no day named' : overdue ? `Overdue since ${formatDay(dueOn)}` : `until ${formatDay(dueOn)}`}</span
            >`
          : html`<span class="ok">Done ${formatInstant(new Date(doneAtMs), context.timeZone)}</span>`
      }
    </p>
    ${
      context.mayAct &&
      html`<form method="post" action="/operate/follow-ups/${id}" class="acts">
        <input type="hidden" name="done" value="${doneAtMs === null ? 'yes' : 'no'}" />
        <button class="btn small">${doneAtMs === null ? 'Done' : 'Not done after all'}</button>
      </form>`
    }
  </li>`
}

/** Those of one incident, and the form for another. */
export function renderIncidentFollowUps(
  followUps: readonly FollowUp[],
  input: FollowUpContext & { readonly incidentId: string; readonly names: readonly string[] },
): Html {
  return html`${
    followUps.length > 0 &&
    html`<ul class="card">
      ${followUps.map((one) => renderFollowUp(one, input, null))}
    </ul>`
  }
  ${
    input.mayAct &&
    html`<form class="card form" method="post" action="/operate/incidents/${input.incidentId}/follow-ups">
      <div>
        <label for="follow-up">What is to be done, so that it does not happen again</label
        ><textarea id="follow-up" name="text" rows="2" required maxlength="500"></textarea>
      </div>
      <div>
        <label for="owner">Who does it</label
        ><input id="owner" name="owner" maxlength="80" list="owners" autocomplete="off" /><datalist
          id="owners"
        >
          ${input.names.map((name) => html`<option value="${name}"></option>`)}
        </datalist>
      </div>
      <div><label for="due">Until when</label><input id="due" name="due" type="date" /></div>
      <p><button class="btn">Add it</button></p>
    </form>`
  }
  ${followUps.length === 0 && !input.mayAct && html`<p class="sub">There are none.</p>`}`
}

/** All open ones, the longest overdue first. */
export function renderFollowUps(input: {
  readonly actor: OperatorActor
  readonly now: Date
  readonly followUps: readonly {
    readonly followUp: FollowUp
    readonly timeZone: string
    readonly incidentTitle: string
  }[]
}): string {
  const { actor, now, followUps } = input
  const mayAct = actor.role !== 'observer'
  const overdue = followUps.filter(({ followUp, timeZone }) => isOverdue(followUp, timeZone, now.getTime()))
  return renderOperatorPage({
    title: 'Follow-ups',
    actor,
    current: 'follow-ups',
    body:
      followUps.length === 0
        ? html`<p class="sub">
            Nothing is open. What an incident leaves to be done is noted at the incident.
          </p>`
        : html`<p class="sub">${followUps.length} open, ${overdue.length} of them overdue.</p>
            <ul class="card acts-card">
              ${followUps.map(({ followUp, timeZone, incidentTitle }) =>
                renderFollowUp(
                  followUp,
                  { timeZone, now, mayAct },
                  html`<a href="/operate/incidents/${followUp.incidentId}#follow-ups">${incidentTitle}</a>`,
                ),
              )}
            </ul>`,
  })
}
