/** What every page of the operators has around it. */
import type { OperatorActor } from './auth.ts'
import { html, trusted, type Html } from '../pages/html.ts'
import { renderPage } from '../pages/layout.ts'
import { serverLinks } from '../pages/links.ts'

export interface FrameInput {
  readonly title: string
  readonly actor: OperatorActor | null
  readonly current?: 'incidents' | 'on-call' | 'follow-ups' | 'maintenances' | 'watches' | 'audit' | 'people'
  readonly body: Html
  /** File names of scripts among the assets; the page has to be complete without them. */
  readonly scripts?: readonly string[]
}

/** Renders a page; with nobody signed in it has no ways to the others. */
export function renderOperatorPage({ title, actor, current, body, scripts }: FrameInput): string {
  const way = (key: FrameInput['current'], href: string, words: string) =>
    html`<a class="btn small" href="${href}" ${key === current && trusted(' aria-current="page"')}
      >${words}</a
    >`
  return renderPage({
    title: `${title} · operators`,
    serviceName: null,
    links: serverLinks(''),
    isIndexed: false,
    scripts,
    body: html`${
        actor &&
        html`<nav class="acts" aria-label="Operators">
          ${way('incidents', '/operate', 'Incidents')}${way('on-call', '/operate/on-call', 'On call')}${way('follow-ups', '/operate/follow-ups', 'Follow-ups')}${way('maintenances', '/operate/maintenances', 'Maintenance')}${way('watches', '/operate/watches', 'Watches')}${way('audit', '/operate/audit', 'Log')}${actor.role === 'admin' && way('people', '/operate/people', 'People')}
          <form method="post" action="/operate/sign-out">
            <button class="btn small">Sign out ${actor.name}</button>
          </form>
        </nav>`
      }
      <section><h1>${title}</h1></section>
      ${body}`,
  })
}
