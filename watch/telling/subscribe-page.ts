/** "Tell me when something changes": the form, and what comes after each step. */
import type { ServiceEntry } from '../configuration/index.ts'
import { html, type Html } from '../pages/html.ts'
import { renderPage } from '../pages/layout.ts'
import { serverLinks, type Links } from '../pages/links.ts'

const CHOICES_MAX = 60

export interface SubscribePageInput {
  readonly entry: ServiceEntry
  readonly links: Links
  readonly hasMail: boolean
  /** For web push; the browser needs it. */
  readonly vapidPublicKey: string
}

/** Renders the form. E-mail is offered only where mail can be sent. */
export function renderSubscribePage(input: SubscribePageInput): string {
  const { entry, links, hasMail } = input
  return renderPage({
    title: `Tell me when something changes · ${entry.name}`,
    description: `Updates on outages and maintenance of ${entry.name}.`,
    serviceName: entry.name,
    links,
    current: 'subscribe',
    scripts: ['push.js'],
    body: html`<h1>Tell me when something changes</h1>
      <p class="sub acts">
        Only confirmed outages, their steps and their end, and maintenance. One tap ends it.
      </p>
      <section>
        <h2>By feed</h2>
        <p class="card">
          No sign-up at all: <a href="${links.feed('atom')}">Atom</a> or
          <a href="${links.feed('rss')}">RSS</a>.
        </p>
      </section>
      <section
        id="push"
        data-key="${input.vapidPublicKey}"
        data-url="/api/v1/services/${entry.id}/push-subscriptions"
        hidden
      >
        <h2>In this browser</h2>
        <div class="card">
          <p>A notification on this device, also when no page of ours is open.</p>
          <p class="acts"><button class="btn" type="button" id="push-start">Notify me here</button></p>
          <p id="push-result" role="status" class="sub"></p>
        </div>
      </section>
      <section>
        <h2>By e-mail</h2>
        ${hasMail ? renderForm('email', input) : html`<p class="card">This watch has no mail server, so it can not send e-mail. The operator can set one (WATCH_SMTP_URL).</p>`}
      </section>
      <section>
        <h2>By webhook</h2>
        ${renderForm('webhook', input)}
      </section>`,
  })
}

function renderForm(kind: 'email' | 'webhook', { entry, links }: SubscribePageInput): Html {
  return html`<form class="card form" method="post" action="${links.subscribe()}">
    ${
      kind === 'email'
        ? html`<input type="hidden" name="channel" value="email" />
            <div>
              <label for="email">Your e-mail address</label>
              <input id="email" name="address" type="email" required maxlength="254" autocomplete="email" />
              <p class="hint">
                You get one mail that asks whether it was you; nothing more before you say yes.
              </p>
            </div>`
        : html`<div>
              <label for="channel">In whose shape?</label>
              <select id="channel" name="channel">
                <option value="webhook">Statuspage</option>
                <option value="slack">Slack</option>
                <option value="discord">Discord</option>
              </select>
            </div>
            <div>
              <label for="hook">Address of the webhook</label>
              <input id="hook" name="address" type="url" required maxlength="1000" placeholder="https://" />
              <p class="hint">It gets a greeting at once and has to answer with 2xx.</p>
            </div>`
    }
    <details>
      <summary>Only parts, only regions${kind === 'email' && ', quiet hours, a daily digest'}</summary>
      ${renderChoices('features', 'Parts (none chosen: all)', entry.features, kind)}
      ${entry.regions.length > 1 && renderChoices('regions', 'Regions (none chosen: all)', entry.regions, kind)}
      ${kind === 'email' && renderRhythm(entry.timeZone)}
    </details>
    <p><button class="btn main">Subscribe</button></p>
  </form>`
}

function renderChoices(
  field: string,
  words: string,
  choices: readonly { readonly id: string; readonly name: string }[],
  kind: string,
): Html {
  return html`<fieldset>
    <legend>${words}</legend>
    ${choices
      .slice(0, CHOICES_MAX)
      .map(
        ({ id, name }) =>
          html`<label class="check" for="${kind}-${field}-${id}"
            ><input type="checkbox" id="${kind}-${field}-${id}" name="${field}" value="${id}" />${name}</label
          >`,
      )}
  </fieldset>`
}

function renderRhythm(timeZone: string): Html {
  return html`<fieldset class="form">
    <legend>When?</legend>
    <div>
      <label for="quiet-from">Not before the morning: quiet from</label>
      <input id="quiet-from" name="quiet-from" type="time" />
    </div>
    <div>
      <label for="quiet-until">until</label>
      <input id="quiet-until" name="quiet-until" type="time" />
    </div>
    <div>
      <label for="digest-at">All of a day in one mail, at</label>
      <input id="digest-at" name="digest-at" type="time" />
    </div>
    <div>
      <label for="time-zone">Time zone</label>
      <input id="time-zone" name="time-zone" maxlength="64" value="${timeZone}" />
    </div>
  </fieldset>`
}

export interface ShownService {
  readonly id: string
  readonly name: string
  /** Whether the catalogue has it: only then there is a status page to go to. */
  readonly hasPage: boolean
}

/** A page with one message and, where it takes one more tap, the button for it. */
export function renderStepPage(input: {
  readonly title: string
  readonly text: string
  /** Null: it is not known, or does not matter. */
  readonly service: ShownService | null
  readonly action?: { readonly href: string; readonly label: string }
  /** Shown once: the key of a webhook's signatures. */
  readonly secret?: string
}): string {
  const { service } = input
  const links = serverLinks(service?.id ?? '')
  return renderPage({
    title: service ? `${input.title} · ${service.name}` : input.title,
    serviceName: service?.hasPage ? service.name : null,
    links,
    isIndexed: false,
    body: html`<h1>${input.title}</h1>
      <section class="card prose">
        <p>${input.text}</p>
        ${input.secret && html`<p>Messages are signed with HMAC-SHA-256 of <code>t.body</code> by this key, in the header <code>upbeat-signature</code>: <code>${input.secret}</code></p>`}
        ${input.action && html`<form method="post" action="${input.action.href}" class="acts"><button class="btn main">${input.action.label}</button></form>`}
      </section>
      <p class="acts">
        ${service?.hasPage ? html`<a class="btn small" href="${links.status()}">Status of ${service.name}</a>` : html`<a class="btn small" href="${links.services()}">What is watched</a>`}
      </p>`,
  })
}
