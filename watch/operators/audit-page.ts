/** The audit log as a page, and as the part of it that is about one incident. */
import { formatInstant } from '../pages/format.ts'
import { html, type Html } from '../pages/html.ts'
import type { AuditLine } from './audit-words.ts'
import type { OperatorActor } from './auth.ts'
import { renderOperatorPage } from './frame.ts'

/** Renders the log, newest first. */
export function renderAudit(
  actor: OperatorActor,
  lines: readonly AuditLine[],
  olderHref: string | null,
): string {
  return renderOperatorPage({
    title: 'Log',
    actor,
    current: 'audit',
    body: html`<section class="card">${renderLines(lines, true)}</section>
      ${olderHref && html`<p class="acts"><a class="btn small" href="${olderHref}">Older</a></p>`}`,
  })
}

/** A table of lines; without their subject where all have the same. */
export const renderLines = (lines: readonly AuditLine[], withSubject: boolean): Html =>
  html`<div class="scroll">
    <table>
      <caption class="vh">
        Who did what
      </caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          ${withSubject && html`<th scope="col">To what</th>`}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ({ atMs, actor, action, subject, href, details }) =>
            html`<tr>
              <td>${formatInstant(new Date(atMs), 'Etc/UTC')}</td>
              <td>${actor}</td>
              <td>${action}${details && html`<br /><span class="faint">${details}</span>`}</td>
              ${withSubject && html`<td>${href === null ? subject : html`<a href="${href}">${subject}</a>`}</td>`}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
