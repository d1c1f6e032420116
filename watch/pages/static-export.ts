/**
 * The pages as files, for any host or bucket: written whenever something changes and once a minute, each by a rename, and only
 * when it differs. A host that has them shows what was last known even when this watch and everything else is gone.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import { ID_SHAPE } from '../app/ids.ts'
import { listIncidents } from '../incidents/index.ts'
import { renderAtom, renderRss } from '../api/feeds.ts'
import { toIncidents, toPage, toStatus, toSummary } from '../api/statuspage.ts'
import { toWatchStatus } from '../api/watch-status.ts'
import { shownInFull } from './component-block.ts'
import { pageOfComponents, renderComponentPage, renderComponentsPage } from './components-page.ts'
import { renderHistoryPage } from './history-page.ts'
import { renderIncidentPage, renderMaintenancePage } from './incident-page.ts'
import { serverLinks, staticLinks } from './links.ts'
import { renderServicesPage, renderStatusPage } from './status-page.ts'
import { createViewCache, type ViewCache } from './view-cache.ts'

const EVERY_MS = 2_000
const AT_LEAST_EVERY_MS = 60_000
const HISTORY_MAX = 200
/** A large service's components are in pages; each by itself only where a page names it. */
const OWN_PAGES_MAX = 200

export interface StaticExport extends AsyncDisposable {
  /** Writes all that changed. Answers how many files were written. */
  write(): Promise<number>
}

/** Begins to write into `dir`; null: nothing is exported. */
export function startStaticExport(ctx: WatchCtx, dir: string): StaticExport {
  const views = createViewCache(ctx)
  const written = new Map<string, string>()
  let isDue = true
  let lastMs = -Infinity
  const listening = ctx.live.onChange(() => (isDue = true))

  async function writeAll(): Promise<number> {
    let count = 0
    for (const [path, text] of renderAll(ctx, views)) {
      if (written.get(path) === text) continue
      await replaceFile(join(dir, path), text)
      written.set(path, text)
      count += 1
    }
    return count
  }
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other: two would rename each other's files away. */
  function write(): Promise<number> {
    const round = last.then(writeAll, writeAll)
    last = round
    return round
  }
  const repeating = startRepeating({
    intervalMs: EVERY_MS,
    work: async () => {
      const nowMs = ctx.clock.monotonicMs()
      if (!isDue && nowMs - lastMs < AT_LEAST_EVERY_MS) return
      isDue = false
      lastMs = nowMs
      await write()
    },
    onError: (error) => {
      isDue = true
      ctx.log.error({ err: error, dir }, 'export.failed')
    },
  })
  return {
    write,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]()
      await repeating[Symbol.asyncDispose]()
      views[Symbol.dispose]()
    },
  }
}

/** A reader of the folder never sees half a page. */
async function replaceFile(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

/** Another watch may have given it: an id of any other shape could lead out of the folder. */
const isNameOfFile = ({ id }: { readonly id: string }): boolean => ID_SHAPE.test(id)

function* renderAll(ctx: WatchCtx, views: ViewCache): Generator<[path: string, text: string]> {
  const services = ctx.catalog.services().map(({ id }) => views.status(id))
  const links = staticLinks('', 0, ctx.config.publicUrl)
  yield [
    'index.html',
    renderServicesPage(
      services.map((view) => ({ service: view.service, view })),
      {
        links: { ...links, services: () => 'index.html' },
        isExported: true,
        hrefOf: (id) => `${encodeURIComponent(id)}/index.html`,
      },
    ),
  ]
  for (const { service } of services)
    for (const [path, text] of renderService(ctx, views, service.id)) yield [`${service.id}/${path}`, text]
}

function* renderService(ctx: WatchCtx, views: ViewCache, serviceId: string): Generator<[string, string]> {
  const view = views.status(serviceId)
  const top = staticLinks(serviceId, 0, ctx.config.publicUrl)
  const below = staticLinks(serviceId, 1, ctx.config.publicUrl)
  const base = { view, now: ctx.clock.now(), isExported: true }
  const slugs = shownInFull(view.components).map(({ slug }) => slug)
  yield ['index.html', renderStatusPage({ ...base, links: top, data: views.data(serviceId, slugs) })]

  const incidents = listIncidents(ctx, { serviceId, limit: HISTORY_MAX })
  yield [
    'history.html',
    renderHistoryPage({ ...base, links: top, incidents, olderHref: null, newestHref: null }),
  ]
  for (const incident of incidents.filter(isNameOfFile))
    yield [`incidents/${incident.id}.html`, renderIncidentPage({ ...base, links: below, incident })]
  for (const maintenance of views.maintenances(serviceId).filter(isNameOfFile))
    yield [
      `maintenances/${maintenance.id}.html`,
      renderMaintenancePage({ ...base, links: below, maintenance }),
    ]

  const { pages } = pageOfComponents(view.components, 1, null)
  for (let page = 1; page <= pages; page++) {
    const { shown } = pageOfComponents(view.components, page, null)
    const data = views.data(
      serviceId,
      shown.map(({ slug }) => slug),
    )
    const name = page === 1 ? 'index' : `page-${page}`
    yield [
      `components/${name}.html`,
      renderComponentsPage({ ...base, links: below, data, page, search: null }),
    ]
  }
  const own = view.components.length <= OWN_PAGES_MAX ? view.components : shownInFull(view.components)
  for (const component of own) {
    const data = views.data(serviceId, [component.slug])
    yield [
      `components/${component.slug}.html`,
      renderComponentPage({ ...base, links: below, component, data }),
    ]
  }
  yield* renderData(ctx, views, serviceId)
}

/** What programs read: the same answers as the running watch gives, with its address in their links. */
function* renderData(ctx: WatchCtx, views: ViewCache, serviceId: string): Generator<[string, string]> {
  const view = views.status(serviceId)
  const links = serverLinks(serviceId, ctx.config.publicUrl ?? '')
  const incidents = views.incidents(serviceId)
  const page = toPage(view, links)
  yield ['status.json', JSON.stringify(toWatchStatus(view, links, ctx.clock.now()))]
  yield ['api/v2/summary.json', JSON.stringify(toSummary(view, links))]
  yield ['api/v2/status.json', JSON.stringify({ page, status: toStatus(view) })]
  yield ['api/v2/incidents.json', JSON.stringify({ page, incidents: toIncidents(incidents, view, links) })]
  yield ['history.rss', renderRss(view, incidents.slice(0, 50), links)]
  yield ['history.atom', renderAtom(view, incidents.slice(0, 50), links)]
}
