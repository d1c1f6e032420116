/** Which site's page a browser sends a request for. */
import type { IncomingHttpHeaders } from 'node:http'

const OWN = new Set(['same-origin', 'none'])

/**
 * Whether the browser says that another origin's page sends it, be it a neighbour under the same domain, who need not be
 * trusted. False where nothing is said: programs, and browsers without Fetch Metadata.
 *
 * @see W3C Fetch Metadata, `Sec-Fetch-Site`
 */
export function isFromElsewhere(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && !OWN.has(String(site))
}
