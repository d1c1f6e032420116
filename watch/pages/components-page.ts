/** All components of a service page by page, and one component by itself. */
import type { ComponentView } from '../incidents/index.ts'
import { renderComponent, renderDeclared, renderRegions, type ComponentData } from './component-block.ts'
import { formatDay, formatShare } from './format.ts'
import { html } from './html.ts'
import { renderIncidentRow, type BlockContext } from './incident-block.ts'
import { icon, renderPage } from './layout.ts'
import { renderResponsePlot } from './response-plot.ts'
import { renderUptimeBars } from './uptime-bars.ts'
import { componentStatusWords, lookOf } from './words.ts'

export const COMPONENTS_PAGE_SIZE = 30
const DAY_MS = 86_400_000

export interface ComponentsPageInput extends BlockContext {
  readonly data: ComponentData
  /** From 1. */
  readonly page: number
  /** Text that names have to contain; null: all. */
  readonly search: string | null
  readonly isExported?: boolean
}

/** The components of this page. */
export function pageOfComponents(
  components: readonly ComponentView[],
  page: number,
  search: string | null,
): { readonly shown: ComponentView[]; readonly found: number; readonly pages: number } {
  const wanted = search?.toLowerCase()
  const found = wanted
    ? components.filter(
        ({ name, group }) => name.toLowerCase().includes(wanted) || group?.toLowerCase().includes(wanted),
      )
    : components
  return {
    shown: found.slice((page - 1) * COMPONENTS_PAGE_SIZE, page * COMPONENTS_PAGE_SIZE),
    found: found.length,
    pages: Math.max(1, Math.ceil(found.length / COMPONENTS_PAGE_SIZE)),
  }
}

/** Renders one page of all components. */
export function renderComponentsPage(input: ComponentsPageInput): string {
  const { view, links, page, search } = input
  const { shown, found, pages } = pageOfComponents(view.components, page, search)
  const hrefOf = (number: number) =>
    search === null
      ? links.components(number)
      : `${links.components()}?q=${encodeURIComponent(search)}&page=${number}`
  return renderPage({
    title: `Components · ${view.service.name}`,
    serviceName: view.service.name,
    links,
    isStandalone: input.isExported,
    body: html`<h1>Components</h1>
      ${
        !input.isExported &&
        html`<form class="form acts" method="get" action="${links.components()}" role="search">
          <label for="q">Find a component or group</label>
          <input id="q" name="q" type="search" maxlength="80" value="${search ?? ''}" />
        </form>`
      }
      <section>
        <h2>${found} ${found === 1 ? 'component' : 'components'}, page ${page} of ${pages}</h2>
        ${
          shown.length === 0
            ? html`<p class="sub">None has “${search}” in its name.</p>`
            : html`<ul class="card">
                ${shown.map((item) => renderComponent(item, links, input.data))}
              </ul>`
        }
        <p class="pager">
          ${page > 1 ? html`<a class="btn small" href="${hrefOf(page - 1)}">Previous</a>` : html`<span></span>`}
          ${page < pages && html`<a class="btn small" href="${hrefOf(page + 1)}">Next</a>`}
        </p>
      </section>`,
  })
}

/** Renders one component: regions, days, response times, its incidents. */
export function renderComponentPage(
  input: BlockContext & {
    readonly component: ComponentView
    readonly data: ComponentData
    readonly isExported?: boolean
  },
): string {
  const { component, view, links, data, now } = input
  const { key, words } = lookOf(component)
  const days = data.uptime.get(component.slug) ?? []
  const faulty = days.filter(({ worst }) => worst !== null && worst !== 'operational').toReversed()
  const incidents = view.incidents.filter(
    ({ featureIds, mergedInto }) =>
      mergedInto === null && (featureIds.length === 0 || featureIds.includes(component.slug)),
  )
  return renderPage({
    title: `${component.name}: ${words.toLowerCase()} · ${view.service.name}`,
    serviceName: view.service.name,
    links,
    isStandalone: input.isExported,
    body: html`<div class="card hero s-${key}">
        ${icon(key)}
        <h1>${component.name}</h1>
        <p>${words}${component.description && `. ${component.description}`}</p>
        ${renderDeclared(component)}
      </div>
      <p class="acts">
        <a class="btn" href="${links.report(component.slug)}">This doesn’t work for me</a
        ><a class="btn" href="${links.status()}">All of ${view.service.name}</a>
      </p>
      <section>
        <h2>Regions</h2>
        ${renderRegions(component, { isWhole: true }) ?? html`<p class="sub">There is no evidence by region yet.</p>`}
      </section>
      <section>
        <h2>The last ${days.length} days</h2>
        <div class="card s-${key}">
          ${days.length > 0 ? renderUptimeBars(component.name, days) : html`<p class="sub">Not watched yet.</p>`}
          ${
            faulty.length > 0 &&
            html`<details>
              <summary>Days that were not whole</summary>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Day (UTC)</th>
                      <th scope="col">Up</th>
                      <th scope="col">Worst</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${faulty.map(
                      ({ day, upFraction, worst }) =>
                        html`<tr>
                          <td>${formatDay(day)}</td>
                          <td>${formatShare(upFraction)}</td>
                          <td>${componentStatusWords[worst!]}</td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>
            </details>`
          }
        </div>
      </section>
      <section>
        <h2>Response times, last 24 hours</h2>
        <div class="card">
          ${renderResponsePlot({
            name: component.name,
            points: data.responseTimes.get(component.slug) ?? [],
            fromMs: now.getTime() - DAY_MS,
            toMs: now.getTime(),
            timeZone: view.service.timeZone,
          })}
        </div>
      </section>
      <section>
        <h2>Its incidents of the last 14 days</h2>
        ${
          incidents.length === 0
            ? html`<p class="sub">None.</p>`
            : html`<ul class="card">
                ${incidents.slice(0, 20).map((incident) => renderIncidentRow(incident, input))}
              </ul>`
        }
      </section>`,
  })
}
