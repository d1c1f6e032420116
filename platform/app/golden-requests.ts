/**
 * Golden requests: what visitors asked for, to be asked again of a release before people meet it. Only what anyone may read
 * and what names nobody: GET, without a session, without a token, without words that somebody typed.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface GoldenRequest {
  /** Pattern of the route. */
  readonly route: string
  /** Path and query. */
  readonly url: string
  readonly status: number
}

export interface GoldenRecorder {
  note(request: FastifyRequest, reply: FastifyReply): void
  /** What was new since the last call. */
  take(): readonly GoldenRequest[]
}

export const GOLDEN_PER_ROUTE = 4
/** Routes times this many bound the memory. */
const ROUTES_MAX = 200
const URL_MAX_LENGTH = 300
/** Asking again would tell of a person, cost much, or change something. */
const LEFT_OUT = /:handle|:tag|\/search|\/metrics|\/operations|\/updates|\/first-run|\/uploads/
const QUERY_ALLOWED = /^(\?limit=\d{1,3})?$/

/** Notes a few requests of each route. */
export function createGoldenRecorder(): GoldenRecorder {
  const known = new Map<string, Set<string>>()
  let fresh: GoldenRequest[] = []
  return {
    note(request, reply) {
      const route = request.routeOptions.url
      if (request.method !== 'GET' || route === undefined || !isHarmless(request, reply, route)) return
      const urls = known.get(route) ?? new Set<string>()
      if (urls.size >= GOLDEN_PER_ROUTE || urls.has(request.url)) return
      if (urls.size === 0 && known.size >= ROUTES_MAX) return
      known.set(route, urls.add(request.url))
      fresh.push({ route, url: request.url, status: reply.statusCode })
    },
    take() {
      const taken = fresh
      fresh = []
      return taken
    },
  }
}

function isHarmless({ headers, url }: FastifyRequest, { statusCode }: FastifyReply, route: string): boolean {
  if (statusCode !== 200 || headers.cookie !== undefined || headers.authorization !== undefined) return false
  if (LEFT_OUT.test(route) || url.length > URL_MAX_LENGTH || url.startsWith('/media/t/')) return false
  const query = url.indexOf('?')
  return QUERY_ALLOWED.test(query < 0 ? '' : url.slice(query))
}
