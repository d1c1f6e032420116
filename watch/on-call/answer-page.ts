/** What somebody who was paged sees on their phone: what is wrong, one button, and what to do first. */
import { formatInstant } from '../pages/format.ts'
import { html } from '../pages/html.ts'
import { renderOperatorPage } from '../operators/frame.ts'
import { describePage, renderRunbooks, type PagingContext } from './incident-block.ts'
import type { Subject } from './page-notices.ts'
import type { PageRecord } from './page-records.ts'
import type { Runbook } from './runbooks.ts'

export interface AnswerPageInput extends Omit<PagingContext, 'mayAct'> {
  readonly page: PageRecord
  readonly subject: Subject
  readonly serviceName: string
  /** Who was paged by this link. */
  readonly personName: string
  readonly runbooks: readonly Runbook[]
  /** Where the button leads. */
  readonly action: string
  readonly statusHref: string
}

/** Renders it. Mail programs open links by themselves: only the button answers. */
export function renderAnswerPage(input: AnswerPageInput): string {
  const { page, subject, personName, runbooks, timeZone } = input
  const canAnswer = page.state === 'paging' || page.state === 'unanswered'
  const { incident } = subject
  return renderOperatorPage({
    title: subject.title,
    actor: null,
    body: html`<section class="card prose">
        <p class="meta">
          <span>${input.serviceName}</span
          >${incident && html`<span>since ${formatInstant(new Date(incident.startedAtMs), timeZone)}</span>`}
        </p>
        <p>${subject.body}</p>
        <p class="sub">${describePage(page, input)}</p>
        ${
          canAnswer &&
          html`<form method="post" action="${input.action}" class="acts">
            <button class="btn main">I take it (${personName})</button>
          </form>`
        }
        ${page.state === 'acknowledged' && html`<p class="ok">Nobody else is called.</p>`}
      </section>
      ${
        runbooks.length > 0 &&
        html`<section id="runbook">
          <h2>What to do first</h2>
          ${renderRunbooks(runbooks)}
        </section>`
      }
      <p class="acts">
        ${incident && html`<a class="btn" href="/operate/incidents/${incident.id}">Work on it (sign in)</a>`}<a
          class="btn small"
          href="${input.statusHref}"
          >As people see it</a
        >
      </p>`,
  })
}
