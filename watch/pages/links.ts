/** Where pages link to: addresses of the running watch, or files beside each other in the static export. */

export interface Links {
  /** All services. */
  services(): string
  status(): string
  component(slug: string): string
  /** From 1. */
  components(page?: number): string
  incident(id: string): string
  maintenance(id: string): string
  history(page?: number): string
  report(slug?: string): string
  diagnosis(): string
  subscribe(): string
  /** RSS or Atom. */
  feed(kind: 'rss' | 'atom'): string
  statusJson(): string
  /** A script or picture that ships with the watch; null where pages have to do without. */
  asset(name: string): string | null
}

/** Links of the running watch. @param origin '' for links within the site, else scheme and host */
export function serverLinks(serviceId: string, origin = ''): Links {
  const base = `${origin}/s/${encodeURIComponent(serviceId)}`
  return {
    services: () => `${origin}/`,
    status: () => base,
    component: (slug) => `${base}/components/${encodeURIComponent(slug)}`,
    components: (page = 1) => (page === 1 ? `${base}/components` : `${base}/components?page=${page}`),
    incident: (id) => `${base}/incidents/${encodeURIComponent(id)}`,
    maintenance: (id) => `${base}/maintenances/${encodeURIComponent(id)}`,
    history: (page = 1) => (page === 1 ? `${base}/history` : `${base}/history?page=${page}`),
    report: (slug) => (slug ? `${base}/report?on=${encodeURIComponent(slug)}` : `${base}/report`),
    diagnosis: () => `${base}/check`,
    subscribe: () => `${base}/subscribe`,
    feed: (kind) => `${base}/history.${kind}`,
    statusJson: () => `${origin}/api/v1/services/${encodeURIComponent(serviceId)}/status.json`,
    asset: (name) => `${origin}/assets/${name}`,
  }
}

/**
 * Links between exported files, relative, so that any host, bucket or folder will do. What needs the running watch
 * (reports, the diagnosis, subscribing) leads there.
 *
 * @param depth how many folders the page lies below the service's own
 * @param watchUrl the running watch, or null when its address is not known
 */
export function staticLinks(serviceId: string, depth: number, watchUrl: string | null): Links {
  const up = '../'.repeat(depth)
  const live = serverLinks(serviceId, watchUrl ?? '')
  return {
    ...live,
    services: () => `${up}../index.html`,
    status: () => `${up}index.html`,
    component: (slug) => `${up}components/${encodeURIComponent(slug)}.html`,
    components: (page = 1) => `${up}components/${page === 1 ? 'index' : `page-${page}`}.html`,
    incident: (id) => `${up}incidents/${encodeURIComponent(id)}.html`,
    maintenance: (id) => `${up}maintenances/${encodeURIComponent(id)}.html`,
    history: (page = 1) => `${up}history${page === 1 ? '' : `-${page}`}.html`,
    feed: (kind) => `${up}history.${kind}`,
    statusJson: () => `${up}status.json`,
    asset: () => null,
  }
}
