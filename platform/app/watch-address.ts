/** Where a browser finds what the watch says of this instance. */

const DEFAULT_SERVICE = 'upbeat'
const THIS_MACHINE = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * The watch's `status.json`. `WATCH_URL` is the watch's own address, or that of one service's page there (`…/s/ID`). A watch
 * on "this machine" is one on the machine that the browser talks to.
 */
export function watchStatusUrlFor(watchUrl: string | null, requestHostname: string): string | null {
  if (watchUrl === null) return null
  const url = reachFrom(watchUrl, requestHostname)
  const service = /^(.*)\/s\/([^/]+)\/?$/.exec(url.pathname)
  const base = (service ? service[1]! : url.pathname).replace(/\/$/, '')
  return `${url.origin}${base}/api/v1/services/${service?.[2] ?? DEFAULT_SERVICE}/status.json`
}

/** The watch's page for people. */
export const watchPageUrlFor = (watchUrl: string | null, requestHostname: string): string | null =>
  watchUrl === null ? null : reachFrom(watchUrl, requestHostname).href

function reachFrom(watchUrl: string, requestHostname: string): URL {
  const url = new URL(watchUrl)
  if (THIS_MACHINE.has(url.hostname) && !THIS_MACHINE.has(requestHostname)) url.hostname = requestHostname
  return url
}
