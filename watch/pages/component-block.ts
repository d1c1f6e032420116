/** How components look: whole while there are few, rolled up by group once there are many. */
import {
  declaredWords,
  type ComponentView,
  type ResponseTimeView,
  type UptimeDayView,
} from '../incidents/index.ts'
import { html, type Html } from './html.ts'
import { icon } from './layout.ts'
import type { Links } from './links.ts'
import { renderUptimeBars } from './uptime-bars.ts'
import { cellStateWords, lookOf } from './words.ts'

/** More components than this are rolled up: the page stays under 50 kB and answers the first question first. */
export const WHOLE_MAX = 12
const FAILING_MAX = 20
const GROUPS_MAX = 40
const REGIONS_MAX = 30

export interface ComponentData {
  /** Slug → its days, oldest first. */
  readonly uptime: ReadonlyMap<string, readonly UptimeDayView[]>
  readonly responseTimes: ReadonlyMap<string, readonly ResponseTimeView[]>
}

/** Which components a status page shows with their days: all of a small service, the failing ones of a large one. */
export function shownInFull(components: readonly ComponentView[]): ComponentView[] {
  if (components.length <= WHOLE_MAX) return [...components]
  return components.filter(isFailing).toSorted(byWorst).slice(0, FAILING_MAX)
}

/** One component: its state in words, ninety days, regions that differ. */
export function renderComponent(component: ComponentView, links: Links, data: ComponentData): Html {
  const { key, words } = lookOf(component)
  const days = data.uptime.get(component.slug)
  return html`<li class="comp s-${key}">
    <div class="row">
      ${icon(key)}
      <h3><a href="${links.component(component.slug)}">${component.name}</a></h3>
      <span class="st">${words}</span>
    </div>
    ${component.description && html`<p class="sub">${component.description}</p>`}${renderDeclared(component)}${renderRegions(component)}${days && renderUptimeBars(component.name, days)}
  </li>`
}

/** How it works by the service's own word. */
export function renderDeclared({ declared }: Pick<ComponentView, 'declared'>): Html | null {
  return declared ? html`<p class="sub">By its own word: ${declaredWords(declared)}.</p>` : null
}

/** Regions in a state other than the component's best; nothing when all is alike. */
export function renderRegions(component: ComponentView, { isWhole = false } = {}): Html | null {
  const differing = component.regions.filter(({ state }) => state !== 'up')
  const isUniform = component.regions.every(({ state }) => state === component.regions[0]?.state)
  const shown = isWhole ? component.regions : isUniform ? [] : differing
  if (shown.length === 0) return null
  const rest = shown.length - REGIONS_MAX
  return html`<ul class="regions" aria-label="Regions of ${component.name}">
    ${shown
      .slice(0, REGIONS_MAX)
      .map(
        ({ name, state }) =>
          html`<li class="chip s-${state}">
            ${icon(state)}${name}: ${cellStateWords[state].toLowerCase()}
          </li>`,
      )}${rest > 0 && html`<li class="chip">and ${rest} more</li>`}
  </ul>`
}

/** The list of components of the status page. */
export function renderComponentList(
  components: readonly ComponentView[],
  links: Links,
  data: ComponentData,
): Html {
  if (components.length === 0) return html`<p class="sub">No components are watched yet.</p>`
  const full = shownInFull(components)
  const list =
    full.length > 0 &&
    html`<ul class="card">
      ${full.map((item) => renderComponent(item, links, data))}
    </ul>`
  if (components.length <= WHOLE_MAX) return html`${list}`
  const failing = components.filter(isFailing).length
  const lead =
    failing === 0
      ? html`<p class="sub">All ${components.length} components work, as far as there is evidence.</p>`
      : html`<p class="sub">
          ${failing} of ${components.length} components do not work as they
          should${failing > full.length && `; the worst ${full.length}`}:
        </p>`
  return html`${lead}${list}${renderGroups(components, links)}`
}

/** One line a group, and the way to all components. */
function renderGroups(components: readonly ComponentView[], links: Links): Html {
  const groups = new Map<string, ComponentView[]>()
  for (const component of components) {
    const members = groups.get(component.group ?? 'Other')
    if (members) members.push(component)
    else groups.set(component.group ?? 'Other', [component])
  }
  const worstFirst = [...groups].toSorted((a, b) => worstRank(b[1]) - worstRank(a[1]))
  return html`<ul class="card">
      ${worstFirst.slice(0, GROUPS_MAX).map(([name, members]) => {
        const failing = members.filter(isFailing).length
        const worst = members.reduce((a, b) => (rankOf(b) > rankOf(a) ? b : a))
        const { key } = lookOf(worst)
        return html`<li class="comp s-${failing > 0 ? key : 'up'}">
          <div class="row">
            ${icon(failing > 0 ? key : 'up')}
            <h3>${name}</h3>
            <span class="st"
              >${failing === 0 ? `All ${members.length} work` : `${failing} of ${members.length} affected`}</span
            >
          </div>
        </li>`
      })}
    </ul>
    <p class="acts">
      <a class="btn small" href="${links.components()}">All ${components.length} components</a>
    </p>`
}

const RANKS = ['operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage']
const rankOf = (component: ComponentView): number =>
  RANKS.indexOf(component.status) * 2 + (component.state === 'suspected' ? 1 : 0)
const worstRank = (members: readonly ComponentView[]): number =>
  members.reduce((worst, member) => Math.max(worst, rankOf(member)), 0)
const byWorst = (a: ComponentView, b: ComponentView): number =>
  rankOf(b) - rankOf(a) || a.position - b.position
const isFailing = (component: ComponentView): boolean => rankOf(component) > 0
