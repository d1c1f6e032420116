/** The status page of one service: what works now, what doesn't, since when, why, and what a person can do. */
import {
  declaredWords,
  takenBackWords,
  levelWords,
  regionWords,
  type IncidentView,
  type OfficialWordView,
  type ServiceView,
  type StatusView,
} from '../incidents/index.ts'
import { renderComponentList, type ComponentData } from './component-block.ts'
import { formatAge, formatDuration } from './format.ts'
import {
  renderIncidentCard,
  renderIncidentRow,
  renderMaintenanceCard,
  renderSteps,
  renderTime,
  type BlockContext,
} from './incident-block.ts'
import { html, type Html } from './html.ts'
import { icon, renderPage } from './layout.ts'
import { hasTwoViews, renderTwoViews } from './peers-block.ts'
import { renderResponsePlot } from './response-plot.ts'
import { headlineWords, indicatorWords, officialWords } from './words.ts'

/** From this age on the page says that what it shows is old. */
export const STALE_AFTER_MS = 120_000
const PLOTS_MAX = 3
const REGIONS_MAX = 20
const OPEN_MAX = 8
const PAST_MAX = 10
const MAINTENANCES_MAX = 5
const DAY_MS = 86_400_000
const WAY_BACK_SHOWN_MS = 15 * 60_000

export interface StatusPageInput extends BlockContext {
  readonly data: ComponentData
  /** The page is a file that may outlive the watch: it says when it was written. @default false */
  readonly isExported?: boolean
}

/** Renders the whole page; complete without scripts and under 50 kB. */
export function renderStatusPage(input: StatusPageInput): string {
  const { view, links } = input
  const open = view.incidents.filter(
    (incident) => incident.resolvedAtMs === null && incident.mergedInto === null,
  )
  return renderPage({
    title: `${view.service.name}: ${(view.indicator === 'minor' ? headlineWords(view) : indicatorWords(view.indicator)).toLowerCase()}`,
    description: `Whether ${view.service.name} works now, what doesn't, since when and why.`,
    serviceName: view.service.name,
    links,
    current: 'status',
    scripts: ['live.js'],
    isStandalone: input.isExported,
    body: html`<div id="live" data-status="${links.statusJson()}">
      ${renderHero(input)}${renderNotes(input)}${renderTwoViews(input)}
      <p class="acts">
        <a class="btn main" href="${links.report()}">Something doesn’t work for me</a
        ><a class="btn" href="${links.diagnosis()}">Is it down, or is it me?</a>
      </p>
      ${
        open.length > 0 &&
        html`<section aria-labelledby="h-now">
          <h2 id="h-now">Now</h2>
          ${open.slice(0, OPEN_MAX).map((incident) => renderIncidentCard(incident, input))}${open.length > OPEN_MAX && html`<p class="sub">And ${open.length - OPEN_MAX} more, in the <a href="${links.history()}">history</a>.</p>`}
        </section>`
      }
      ${renderRegions(input)} ${renderMaintenances(input)}
      <section aria-labelledby="h-comp">
        <h2 id="h-comp">Components</h2>
        ${renderComponentList(view.components, links, input.data)}
      </section>
      ${renderResponseTimes(input)} ${renderOfficialWord(input, open)} ${renderWayBack(input)}
      ${renderPast(input)}
    </div>`,
  })
}

/** The page of all watched services; with one service the status page takes its place. */
export function renderServicesPage(
  services: readonly { readonly service: ServiceView; readonly view: StatusView }[],
  input: Pick<StatusPageInput, 'links' | 'isExported'> & { readonly hrefOf: (serviceId: string) => string },
): string {
  return renderPage({
    title: 'What is watched',
    serviceName: null,
    links: input.links,
    isStandalone: input.isExported,
    body: html`<h1>What is watched</h1>
      <ul class="card">
        ${services.map(
          ({ service, view }) =>
            html`<li class="comp s-${keyOf(view)}">
              <div class="row">
                ${icon(keyOf(view))}
                <h3><a href="${input.hrefOf(service.id)}">${service.name}</a></h3>
                <span class="st"
                  >${keyOf(view) === 'unknown' || view.isBlind ? 'No evidence now' : headlineWords(view)}</span
                >
              </div>
              <p class="sub">${service.description}</p>
            </li>`,
        )}
      </ul>`,
  })
}

/** The indicator as a key of icons and colours; without evidence nothing is claimed. */
function keyOf(view: StatusView): string {
  const isUnseen =
    view.isBlind || view.asOfMs === null || view.components.every(({ state }) => state === 'unknown')
  if (view.indicator === 'none' && isUnseen) return 'unknown'
  const keys = {
    none: 'operational',
    minor: 'degraded_performance',
    major: 'partial_outage',
    critical: 'major_outage',
    maintenance: 'under_maintenance',
  }
  return keys[view.indicator]
}

function renderHero(input: StatusPageInput): Html {
  const { view, now } = input
  const key = keyOf(view)
  const unknown = view.components.filter(({ state }) => state === 'unknown').length
  const isPartial = view.indicator === 'none' && unknown > 0 && view.asOfMs !== null
  const words =
    key === 'unknown'
      ? 'We can not tell right now'
      : isPartial
        ? 'All that we see works'
        : headlineWords(view)
  const description = isPartial
    ? `No evidence now of ${unknown} of ${view.components.length} components`
    : view.description
  return html`<div class="card hero s-${key}" role="status">
    ${icon(key)}
    <h1>${words}${hasTwoViews(view) && ', as this watch sees it'}</h1>
    <p>
      ${view.asOfMs === null ? 'Nothing has been measured yet.' : html`${description}. ${renderAge(input, view.asOfMs)}`}
    </p>
    ${input.isExported && html`<p class="faint">Written ${renderTime(now.getTime(), input)}, and anew every minute: if that is long ago, the watch is silent.</p>`}
  </div>`
}

/** How long ago, on a page that is made now; when, in a file that is read who knows when. */
function renderAge(input: StatusPageInput, asOfMs: number): Html {
  if (input.isExported) return html`Looked at ${renderTime(asOfMs, input)}.`
  return html`Last looked
    <time id="age" datetime="${new Date(asOfMs).toISOString()}"
      >${formatAge(new Date(asOfMs), input.now)}</time
    >.`
}

function renderNotes({ view, now }: StatusPageInput): Html | null {
  if (view.isBlind)
    return html`<p class="note">
      The watch itself has no connection now, so it can not see ${view.service.name}. What stands here is from
      before; it says nothing about this moment.
    </p>`
  if (view.asOfMs !== null && now.getTime() - view.asOfMs > STALE_AFTER_MS)
    return html`<p class="note">
      No evidence has come in for ${formatDuration(now.getTime() - view.asOfMs)}. What stands here may be out
      of date.
    </p>`
  const { declared } = view
  if (declared && declared.level > 0)
    return html`<p class="note">${view.service.name} has declared ${levelWords(declared)}.</p>`
  const collateral = view.collaterals[0]
  if (collateral)
    return html`<p class="note">
      ${Math.round(collateral.share * 100)} % of the reports here are explained by an outage of
      ${collateral.explainedBy}.
    </p>`
  return null
}

/** Regions that are closed, opening again or catching up: decided or on their way, and no outage. */
function renderRegions({ view }: StatusPageInput): Html | null {
  const regions = view.declared?.regions ?? []
  if (regions.length === 0) return null
  return html`<section aria-labelledby="h-regions">
    <h2 id="h-regions">Regions</h2>
    <ul class="card">
      ${regions.slice(0, REGIONS_MAX).map((region) => html`<li class="sub">${regionWords(region)}</li>`)}
    </ul>
  </section>`
}

function renderMaintenances(input: StatusPageInput): Html | null {
  const coming = input.view.maintenances.filter(({ status }) => status !== 'completed')
  if (coming.length === 0) return null
  return html`<section aria-labelledby="h-maint">
    <h2 id="h-maint">Maintenance</h2>
    ${coming.slice(0, MAINTENANCES_MAX).map((maintenance) => renderMaintenanceCard(maintenance, input))}
  </section>`
}

/** The slowest few of a small service; the others have theirs on their own pages. */
function renderResponseTimes(input: StatusPageInput): Html | null {
  const { view, data, now, links } = input
  const measured = view.components.filter(({ slug }) => (data.responseTimes.get(slug) ?? []).length > 0)
  if (measured.length === 0) return null
  const shown = measured.slice(0, PLOTS_MAX)
  return html`<section aria-labelledby="h-time">
    <h2 id="h-time">Response times, last 24 hours</h2>
    ${shown.map(
      (component) =>
        html`<div class="card">
          <h3>${component.name}</h3>
          ${renderResponsePlot({
            name: component.name,
            points: data.responseTimes.get(component.slug)!,
            fromMs: now.getTime() - DAY_MS,
            toMs: now.getTime(),
            timeZone: view.service.timeZone,
          })}
        </div>`,
    )}${measured.length > shown.length && html`<p class="acts"><span class="sub">More: ${measured.slice(PLOTS_MAX, PLOTS_MAX + 10).map((component) => html`<a href="${links.component(component.slug)}">${component.name}</a> `)}</span></p>`}
  </section>`
}

/** What the service says of itself beside what was seen from outside, with the lag between the two. */
function renderOfficialWord(input: StatusPageInput, open: readonly IncidentView[]): Html | null {
  const word = input.view.officialWord
  if (word === null) return null
  const disagrees = word.status === 'operational' && open.some(({ state }) => state !== 'suspected')
  const started = open.at(-1)?.startedAtMs
  const lag =
    word.lagS === null
      ? null
      : `It said so ${formatDuration(word.lagS * 1000)} after the onset that was seen from outside.`
  return html`<section aria-labelledby="h-word">
    <h2 id="h-word">The service’s own word</h2>
    <div class="card">
      ${renderOwnWord(word, input)}${disagrees && started !== undefined && html`<p class="sub">Seen from outside it has been failing for ${formatDuration(input.now.getTime() - started)}.</p>`}${lag && html`<p class="sub">${lag}</p>`}
    </div>
  </section>`
}

/** What it says of the whole, and of every feature that is not as usual. */
function renderOwnWord(word: OfficialWordView, input: StatusPageInput): Html {
  const { declared, service, components } = input.view
  const said =
    declared && declared.level > 0
      ? html`${service.name} has declared ${levelWords(declared)}.`
      : html`${service.name} itself says: ${officialWords[word.status]}
          <span class="faint">(since ${renderTime(word.sinceMs, input)})</span>.`
  const takenBack = declared?.takenBack ?? null
  const undone =
    takenBack &&
    html`<p class="sub">
      ${takenBackWords(takenBack)} <span class="faint">(${renderTime(takenBack.atMs, input)})</span>
    </p>`
  if (!declared || declared.features.size === 0)
    return html`<p>${said}</p>
      ${undone}`
  const nameOf = (slug: string) => components.find((one) => one.slug === slug)?.name ?? slug
  return html`<p>${said}</p>
    <ul>
      ${[...declared.features].map(([slug, one]) => html`<li class="sub">${nameOf(slug)}: ${declaredWords(one)}.</li>`)}
    </ul>
    ${undone}`
}

/** How far the service says that it has come back, while that is news. */
function renderWayBack(input: StatusPageInput): Html | null {
  const steps = input.view.declared?.restoration ?? []
  const last = steps.at(-1)
  if (!last || input.now.getTime() - last.atMs > WAY_BACK_SHOWN_MS) return null
  return html`<section aria-labelledby="h-back">
    <h2 id="h-back">The way back</h2>
    ${renderSteps(steps, input)}
  </section>`
}

function renderPast(input: StatusPageInput): Html {
  const past = input.view.incidents.filter(
    (incident) => incident.resolvedAtMs !== null && incident.mergedInto === null,
  )
  return html`<section aria-labelledby="h-past">
    <h2 id="h-past">The last 14 days</h2>
    ${
      past.length === 0
        ? html`<p class="sub">No outage that is over.</p>`
        : html`<ul class="card">
            ${past.slice(0, PAST_MAX).map((incident) => renderIncidentRow(incident, input))}
          </ul>`
    }
    <p class="acts">
      <a class="btn small" href="${input.links.history()}">Whole history</a
      ><a class="btn small" href="${input.links.subscribe()}">Tell me when something changes</a>
    </p>
  </section>`
}
