/** The page of "is it down, or is it me?": what the watch sees, and the checks that run in the browser. */
import type { ServiceEntry } from '../configuration/index.ts'
import { html, toText, trusted, type Html } from '../pages/html.ts'
import { icon, renderPage } from '../pages/layout.ts'
import type { Links } from '../pages/links.ts'
import { describePlaces } from './browser/findings.ts'
import type { EvidenceFact } from './browser/facts.ts'

/** The same shape is read by `browser/check.ts`. */
export interface CheckConfig {
  readonly serviceName: string
  readonly ownBeacon: string
  readonly beacons: readonly {
    readonly name: string
    readonly url: string
    readonly family: 'v4' | 'v6' | null
  }[]
  readonly target: string | null
  readonly version: { readonly url: string; readonly path: string } | null
  readonly evidenceUrl: string
  readonly resultUrl: string
  readonly reportUrl: string
}

const THIS_MACHINE = new Set(['localhost', '127.0.0.1', '[::1]'])

/** To a phone in the room, a service on "this machine" is one on the machine that it talks to. */
function reachableFrom(address: string, hostname: string): string {
  const url = new URL(address)
  if (THIS_MACHINE.has(url.hostname) && !THIS_MACHINE.has(hostname)) url.hostname = hostname
  return url.href
}

/** What a browser that reached us by this name is told to check. */
export function makeCheckConfig(entry: ServiceEntry, links: Links, hostname: string): CheckConfig {
  const { target, versionUrl, versionPath, beacons } = entry.diagnosis
  const base = `/api/v1/services/${encodeURIComponent(entry.id)}`
  return {
    serviceName: entry.name,
    ownBeacon: '/beacon',
    beacons: beacons.map((url) => ({ name: new URL(url).host, url, family: familyOf(url) })),
    target: reachableFrom(target ?? entry.url, hostname),
    version: versionUrl === null ? null : { url: reachableFrom(versionUrl, hostname), path: versionPath },
    evidenceUrl: `${base}/evidence`,
    resultUrl: `${base}/checks`,
    reportUrl: links.report(),
  }
}

/** A name that begins with `ipv6.` or `v4.`, or a bare address, has addresses of one family only. */
export function familyOf(url: string): 'v4' | 'v6' | null {
  const { hostname } = new URL(url)
  if (/^\[.*\]$|^(?:ip)?v6\./.test(hostname)) return 'v6'
  return /^[\d.]+$|^(?:ip)?v4\./.test(hostname) ? 'v4' : null
}

/** Origins beside our own that the page's script asks. */
export function originsOf(config: CheckConfig): string[] {
  const urls = [...config.beacons.map(({ url }) => url), config.target, config.version?.url]
  return [...new Set(urls.flatMap((url) => (url ? [new URL(url).origin] : [])))]
}

/** Renders the page. Without scripts it still says what the watch sees where the person is. */
export function renderDiagnosisPage(input: {
  readonly entry: ServiceEntry
  readonly links: Links
  readonly evidence: EvidenceFact
  readonly config: CheckConfig
}): string {
  const { entry, links, config } = input
  return renderPage({
    title: `Is ${entry.name} down, or is it me?`,
    description: `Checks your connection against ${entry.name} and says which side it is on.`,
    serviceName: entry.name,
    links,
    current: 'check',
    scripts: ['check.js'],
    body: html`<h1>Is it down, or is it me?</h1>
      <section>
        <h2>What we see from outside</h2>
        ${renderEvidence(input.evidence)}
      </section>
      <section>
        <h2>What your browser sees</h2>
        <noscript
          ><p class="note">
            The check of your own connection runs in the browser and needs JavaScript. What stands above needs
            none.
          </p></noscript
        >
        <div id="check-ui" hidden>
          <p class="sub">
            The check asks this watch${config.beacons.length > 0 && ', its beacons'} and ${entry.name} three
            times each. It sends nothing about you but whether ${entry.name} answered; your home network is
            never probed.
          </p>
          <p class="acts"><button class="btn main" id="check-start" type="button">Start the check</button></p>
          <ul class="steps" id="check-steps" aria-live="polite"></ul>
          <div
            class="card acts-card"
            id="check-verdict"
            role="region"
            aria-label="Verdict"
            tabindex="-1"
            hidden
          ></div>
        </div>
      </section>
      <section>
        <h2>While you wait</h2>
        <ul class="card prose">
          <li>
            Another network (mobile data instead of Wi-Fi), another device, another browser: whichever works
            shows where it is stuck.
          </li>
          <li>
            Restart the app once, not ten times. Reinstall last, and only after checking that you can sign in
            and nothing is unsent.
          </li>
          <li>After it is back: look at drafts, scheduled posts and new sign-ins.</li>
        </ul>
      </section>
      ${jsonBlock('check-config', config)}`,
  })
}

/** Data for a script. `<` is written as an escape: nothing in it can end the block. */
const jsonBlock = (id: string, value: unknown): Html =>
  trusted(
    toText(html`<script type="application/json" id="${id}">`) +
      JSON.stringify(value).replaceAll('<', String.raw`\u003c`) +
      '</script>',
  )

function renderEvidence(evidence: EvidenceFact): Html {
  const { isBlind, here, incident } = evidence
  if (isBlind)
    return html`<div class="card s-unknown">
      <p>${icon('unknown')} We can not tell right now: the watch’s own checks have no fresh evidence.</p>
    </div>`
  const key =
    here === 'failing' ? 'down' : here === 'rising' ? 'suspected' : here === 'fine' ? 'up' : 'unknown'
  return html`<div class="card s-${key}">
    <div class="row">
      ${icon(key)}
      <p>${describePlaces(evidence).join(' ')}</p>
    </div>
    ${incident && html`<p class="sub"><a href="${incident.url}">${incident.title}</a>. Cause: ${incident.cause}.${incident.expected && ` Expected: ${incident.expected}`}</p>`}
  </div>`
}
