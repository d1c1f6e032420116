/** Pages on the way in: name and password, the code, and joining by a link. */
import { html, type Html } from '../pages/html.ts'
import { PASSWORD_MIN_LENGTH } from './auth-engine.ts'
import { renderOperatorPage } from './frame.ts'

/** Renders the first step; with nobody to sign in it says how the first operator comes to be. @param back the page after the second */
export const renderSignIn = (hasOperators: boolean, back: string): string =>
  renderOperatorPage({
    title: 'Operators',
    actor: null,
    body: hasOperators
      ? html`<form class="card form" method="post" action="/operate/sign-in">
          <input type="hidden" name="back" value="${back}" />
          <div>
            <label for="name">Name</label
            ><input id="name" name="name" required maxlength="40" autocomplete="username" />
          </div>
          <div>
            <label for="password">Password</label
            ><input
              id="password"
              name="password"
              type="password"
              required
              maxlength="200"
              autocomplete="current-password"
            />
          </div>
          <p><button class="btn main">Next: the code</button></p>
        </form>`
      : html`<p class="card">
          Nobody operates this watch yet. The link for the first one is in the file first-operator-link.txt of
          its data folder.
        </p>`,
  })

/** Renders the second step. */
export const renderCodeForm = (back: string): string =>
  renderOperatorPage({
    title: 'The code of your app',
    actor: null,
    body: html`<form class="card form" method="post" action="/operate/code">
      <input type="hidden" name="back" value="${back}" />
      ${renderCodeField('Six digits')}
      <p><button class="btn main">Sign in</button></p>
    </form>`,
  })

/** Renders the form of who was invited. */
export const renderJoin = (key: string, role: string): string =>
  renderOperatorPage({
    title: 'Become an operator',
    actor: null,
    body: html`<form class="card form" method="post" action="/operate/join/${key}">
      <p class="sub">Your role: ${role}.</p>
      <div>
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          required
          minlength="2"
          maxlength="40"
          pattern="[A-Za-z0-9_.]+"
          autocomplete="username"
        />
        <p class="hint">
          Letters, digits, “_” and “.”. Public updates say “by an operator”, the log says this name.
        </p>
      </div>
      <div>
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          required
          minlength="${PASSWORD_MIN_LENGTH}"
          maxlength="200"
          autocomplete="new-password"
        />
        <p class="hint">At least ${PASSWORD_MIN_LENGTH} characters; several words are good.</p>
      </div>
      <p><button class="btn main">Next: the code generator</button></p>
    </form>`,
  })

/** Renders the secret of the code generator, once, and asks for the first code. */
export const renderSecret = (key: string, secret: string, uri: string): string =>
  renderOperatorPage({
    title: 'Your code generator',
    actor: null,
    body: html`<section class="card prose">
        <p>
          Put this key into an authenticator app, by hand or <a href="${uri}">by this link</a> on the phone
          itself. It is shown only now.
        </p>
        <p><code>${secret.replaceAll(/(.{4})/g, '$1 ').trim()}</code></p>
      </section>
      <form class="card form" method="post" action="/operate/join/${key}/code">
        ${renderCodeField('The six digits that it shows now')}
        <p><button class="btn main">Done</button></p>
      </form>`,
  })

const renderCodeField = (label: string): Html =>
  html`<div>
    <label for="code">${label}</label>
    <input
      id="code"
      name="code"
      inputmode="numeric"
      pattern="[0-9]{6}"
      required
      maxlength="6"
      autocomplete="one-time-code"
    />
  </div>`
