/** What the service worker does with a request, and what its caches may hold: pure, so that it can be tested. */

export type Handling =
  /** A page: the server's shell, or the kept one when there is no server. */
  | 'page'
  /** A file whose name holds its content: from the cache, for ever. */
  | 'immutable'
  /** The first page of a feed, or who is signed in: the server's, or the last one when there is no server. */
  | 'last-answer'
  /** A cover: from the cache while it is there. */
  | 'picture'
  /** Not ours: the browser does what it always does. */
  | 'leave'

export interface RequestFacts {
  readonly method: string
  readonly mode: string
  readonly destination: string
  readonly isSameOrigin: boolean
  readonly path: string
  readonly search: string
  readonly hasRange: boolean
}

/** Marks an answer that is the last one because the server gave no new one. */
export const KEPT_HEADER = 'x-upbeat-kept'

/** At which level an answer was given (contract/state.ts). */
export const LEVEL_HEADER = 'upbeat-level'

/** Holds answers to the one who is signed in: the page deletes it when that one leaves. */
export const ANSWER_CACHE = 'upbeat-answers'

/** By which other address of the instance an answer came. */
export const REACHED_BY_HEADER = 'x-upbeat-reached-by'

/** Keeps the instance's other addresses. */
export const ADDRESS_CACHE = 'upbeat-addresses'

const KEPT_ANSWERS = ['/api/v1/feed/for-you', '/api/v1/feed/following', '/api/v1/me']

export function handlingOf(request: RequestFacts): Handling {
  if (request.method !== 'GET' || !request.isSameOrigin || request.hasRange) return 'leave'
  if (request.path.startsWith('/_app/immutable/')) return 'immutable'
  if (request.mode === 'navigate') return isAppPath(request.path) ? 'page' : 'leave'
  if (KEPT_ANSWERS.includes(request.path) && request.search === '') return 'last-answer'
  if (isOpenMedia(request.path) && request.destination === 'image') return 'picture'
  return 'leave'
}

/**
 * What the browser sends without asking the worker. A page that goes away takes the question with it: a last word by
 * `keepalive` would never be sent.
 */
export const DIRECT_ROUTES = ['POST', 'PUT', 'PATCH', 'DELETE'].map((requestMethod) => ({
  condition: { requestMethod },
  source: 'network' as const,
}))

/** What has a signed address is for one person: it is not kept on a device that others use too. */
function isOpenMedia(path: string): boolean {
  return path.startsWith('/media/') && !path.startsWith('/media/t/')
}

/** What visitors may see, too, so that nobody has to know who asks; never code, which would run as that of this address. */
const OPEN_TO_ALL =
  /^\/(?:media\/|api\/v1\/(?:(?:videos|comments|profiles|tags)\/|feed\/for-you$|search$|instance$|state(?:$|\/)|regions$))/

/** Whether another address of the instance may answer it. */
export const goesElsewhere = (path: string): boolean => OPEN_TO_ALL.test(path)

/** Pages of the app; what the API, the media or a health check answers is never replaced by the shell. */
function isAppPath(path: string): boolean {
  return !/^\/(api|media|metrics|healthz|readyz|_app)(\/|$)/.test(path) && !/\.[a-z0-9]{2,5}$/i.test(path)
}

/** How many covers are kept: two pages of a feed. Media is never kept: it has the browser's own cache. */
export const MAX_PICTURES = 40
/** A cover that is larger than this is not kept. */
export const MAX_PICTURE_BYTES = 300_000
/** Files of the build that are larger (as they are sent) are fetched when they are needed. */
export const MAX_KEPT_CODE_BYTES = 120_000
/** So long a page waits for the server before the kept shell is shown. */
export const SHELL_PATIENCE_MS = 3500

/** Which caches of this origin belong to other builds and go away. */
export function outdatedCaches(names: readonly string[], current: string): string[] {
  return names.filter((name) => name.startsWith('upbeat-build-') && name !== current)
}

export interface HealingFacts {
  readonly ownBuild: string
  readonly serverBuild: string
  /** The server's build for which it was done last; null: never. */
  readonly healedFor: string | null
  /** A newer worker can be had. */
  readonly canUpdate: boolean
}

/** Whether a worker takes itself away: only where no newer one comes, and once for each build of the server. */
export function shouldHeal({ ownBuild, serverBuild, healedFor, canUpdate }: HealingFacts): boolean {
  return serverBuild !== ownBuild && !canUpdate && healedFor !== serverBuild
}

/** The oldest entries that are too many; `keys` in the order in which they were put. */
export function surplus<T>(keys: readonly T[], max: number): T[] {
  return keys.slice(0, Math.max(0, keys.length - max))
}
