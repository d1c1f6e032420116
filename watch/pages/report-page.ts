/** "Something doesn't work for me": two taps, what and on what. It needs no script. */
import type { ServiceEntry } from '../configuration/index.ts'
import { html, trusted, type Html } from './html.ts'
import { renderPage } from './layout.ts'
import type { Links } from './links.ts'

/** More choices than this are a list to choose from instead of taps. */
const TAPS_MAX = 12

export type Device = 'phone' | 'tablet' | 'desktop' | 'tv' | 'other'

const DEVICES: readonly { readonly id: Device; readonly words: string }[] = [
  { id: 'phone', words: 'On a phone' },
  { id: 'desktop', words: 'On a computer' },
  { id: 'tablet', words: 'On a tablet' },
  { id: 'tv', words: 'On a television' },
]

export interface ReportPageInput {
  readonly entry: ServiceEntry
  readonly links: Links
  /** A feature that was chosen on the way here. */
  readonly chosen: string | null
  readonly likelyDevice: Device
  /** The person's region as their address says; null: unknown. */
  readonly regionId: string | null
}

/** What a browser says it runs on: only which button stands first. */
export function guessDevice(userAgent: string): Device {
  if (/iPad|Tablet|Android(?!.*Mobile)/.test(userAgent)) return 'tablet'
  if (/Mobi|iPhone/.test(userAgent)) return 'phone'
  return /TV|Tizen|Web0S/.test(userAgent) ? 'tv' : 'desktop'
}

/** Renders the form. */
export function renderReportPage(input: ReportPageInput): string {
  const { entry, links, likelyDevice } = input
  const devices = DEVICES.toSorted((a, b) => Number(b.id === likelyDevice) - Number(a.id === likelyDevice))
  return renderPage({
    title: `What doesn’t work? · ${entry.name}`,
    serviceName: entry.name,
    links,
    current: 'report',
    scripts: ['report.js'],
    isIndexed: false,
    body: html`<h1>What doesn’t work?</h1>
      <p class="sub acts">
        Two taps: what, and on what. You count once per half hour; your address is not kept.
      </p>
      <form method="post" action="${links.report()}" class="form acts">
        ${renderProblems(input)}
        <fieldset>
          <legend>On what?</legend>
          <div class="picks">
            ${devices.map(
              ({ id, words }, rank) =>
                html`<button class="btn${rank === 0 && trusted(' main')}" name="device" value="${id}">
                  ${words}
                </button>`,
            )}
          </div>
        </fieldset>
        <details>
          <summary>Add where you are, or a result of the check</summary>
          ${renderRegions(input)}
          <p class="acts">
            <label for="diagnosis">Result of “Is it down, or is it me?”</label>
            <textarea id="diagnosis" name="diagnosis" rows="6" maxlength="2000"></textarea>
          </p>
        </details>
      </form>
      <p class="acts"><a class="btn small" href="${links.diagnosis()}">First check whether it is me</a></p>`,
  })
}

function renderProblems({ entry, chosen }: ReportPageInput): Html {
  const problems =
    entry.reports.problems.length > 0
      ? entry.reports.problems
      : entry.features.map(({ id, name }) => ({ id, label: name }))
  if (problems.length > TAPS_MAX)
    return html`<div>
      <label for="feature">What?</label>
      <select id="feature" name="feature">
        <option value="">All of it, or something else</option>
        ${problems.slice(0, 1000).map(({ id, label }) => html`<option value="${id}" ${id === chosen && trusted(' selected')}>${label}</option>`)}
      </select>
    </div>`
  const pick = (id: string, label: string) =>
    html`<label class="check pick-one"
      ><input
        type="radio"
        name="feature"
        value="${id}"
        ${id === (chosen ?? '') && trusted(' checked')}
      />${label}</label
    >`
  return html`<fieldset>
    <legend>What?</legend>
    <div class="picks">${problems.map(({ id, label }) => pick(id, label))}${pick('', 'All of it')}</div>
  </fieldset>`
}

function renderRegions({ entry, regionId }: ReportPageInput): Html | null {
  if (entry.regions.length < 2) return null
  return html`<p>
    <label for="region">Where are you?</label>
    <select id="region" name="region">
      <option value="">As my address says</option>
      ${entry.regions.map(({ id, name }) => html`<option value="${id}">${name}${id === regionId && ' (as it seems)'}</option>`)}
    </select>
  </p>`
}

/** Renders the thanks: whether it was counted, and how many others there are. */
export function renderReportThanks(input: {
  readonly entry: ServiceEntry
  readonly links: Links
  readonly isCounted: boolean
  readonly othersInTenMinutes: number
}): string {
  const { entry, links, isCounted, othersInTenMinutes } = input
  const others =
    othersInTenMinutes === 0
      ? 'Nobody else has said so in the last ten minutes: it may be only you.'
      : `${othersInTenMinutes} ${othersInTenMinutes === 1 ? 'other person has' : 'others have'} said so in the last ten minutes.`
  return renderPage({
    title: `Thank you · ${entry.name}`,
    serviceName: entry.name,
    links,
    isIndexed: false,
    body: html`<h1>${isCounted ? 'Thank you: that is counted' : 'You are counted already'}</h1>
      <section class="card prose">
        <p>${others}</p>
        ${!isCounted && html`<p class="sub">One person counts once per half hour, however often they say it.</p>`}
      </section>
      <p class="acts">
        <a class="btn main" href="${links.status()}">What is known</a
        ><a class="btn" href="${links.diagnosis()}">Is it down, or is it me?</a
        ><a class="btn" href="${links.subscribe()}">Tell me when it is back</a>
      </p>`,
  })
}
