/**
 * The service worker: shows the app when there is no server, and nothing else.
 *
 * A build is never served for ever: pages ask the server first, and a worker of a new build takes over at once and
 * throws the old build away.
 */
import { immutable } from '$app/manifest'
import { version } from '$app/env'
import { self } from '$app/service-worker'
import { healIfStuck } from './heal.ts'
import { ask, isAskedHere, learnAddresses } from './other-addresses.ts'
import {
  ANSWER_CACHE,
  DIRECT_ROUTES,
  handlingOf,
  KEPT_HEADER,
  LEVEL_HEADER,
  MAX_KEPT_CODE_BYTES,
  MAX_PICTURE_BYTES,
  MAX_PICTURES,
  outdatedCaches,
  REACHED_BY_HEADER,
  SHELL_PATIENCE_MS,
  surplus,
} from './rules.ts'

const BUILD_CACHE = `upbeat-build-${version}`
const PICTURE_CACHE = 'upbeat-pictures'
/** The one page that stands for all: any path gets it. */
const SHELL = '/'

/** Of the static routing API (W3C Service Workers), which not every browser has and TypeScript does not know yet. */
interface RoutingInstallEvent extends ExtendableEvent {
  addRoutes?(rules: typeof DIRECT_ROUTES): Promise<void>
}

self.addEventListener('install', (event: RoutingInstallEvent) => {
  event.waitUntil(
    (async () => {
      await event.addRoutes?.(DIRECT_ROUTES)
      const cache = await caches.open(BUILD_CACHE)
      await cache.add(new Request(SHELL, { cache: 'reload' }))
      await Promise.allSettled(immutable.map(({ path }) => keepCode(cache, `/${path.replace(/^\//, '')}`)))
      await self.skipWaiting()
    })(),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      await Promise.all(outdatedCaches(await caches.keys(), BUILD_CACHE).map((name) => caches.delete(name)))
      await self.clients.claim()
      await learnAddresses().catch(() => {})
    })(),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  const isOwn = url.origin === self.location.origin
  const handling = handlingOf({
    method: request.method,
    mode: request.mode,
    destination: request.destination,
    isSameOrigin: isOwn,
    path: url.pathname,
    search: url.search,
    hasRange: request.headers.has('range'),
  })
  if (handling === 'page') {
    const answer = answerPage(request)
    event.respondWith(answer)
    // The page has its answer first: taking the worker away must not cut it off.
    event.waitUntil(answer.then(() => healIfStuck(self, version, event.resultingClientId)))
  } else if (handling === 'immutable') event.respondWith(answerImmutable(request))
  else if (handling === 'last-answer') event.respondWith(answerLast(event, request))
  else if (handling === 'picture') event.respondWith(answerPicture(event, request))
  else if (isOwn && request.method === 'GET' && isAskedHere(request, url))
    event.respondWith(ask(event, request))
})

/** Keeps a file of the build, unless it is one of the large ones, which are for rare cases. */
async function keepCode(cache: Cache, url: string): Promise<void> {
  const response = await fetch(url)
  if (response.ok && Number(response.headers.get('content-length')) <= MAX_KEPT_CODE_BYTES)
    await cache.put(url, response)
  else await response.body?.cancel()
}

/** The server's page, unless it does not come or is broken; then the kept shell. */
async function answerPage(request: Request): Promise<Response> {
  const kept = () => caches.match(SHELL, { cacheName: BUILD_CACHE })
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(SHELL_PATIENCE_MS) })
    if (response.status < 500) return response
    return (await kept()) ?? response
  } catch (error) {
    const shell = await kept()
    if (shell) return shell
    throw error
  }
}

async function answerImmutable(request: Request): Promise<Response> {
  // Whoever asks for a module names the page's origin; what is kept was asked for without, and is the same.
  const kept = await caches.match(request, { ignoreVary: true })
  if (kept) return kept
  const response = await fetch(request)
  if (response.ok) await (await caches.open(BUILD_CACHE)).put(request, response.clone())
  return response
}

async function answerLast(event: FetchEvent, request: Request): Promise<Response> {
  try {
    const response = await ask(event, request)
    // A visitor's answer is not the last one that somebody had.
    if (response.ok && !response.headers.has(REACHED_BY_HEADER)) {
      const copy = response.clone()
      event.waitUntil(caches.open(ANSWER_CACHE).then((cache) => cache.put(request.url, copy)))
    }
    return response.status >= 500 ? ((await keptAnswer(request, response)) ?? response) : response
  } catch (error) {
    const kept = await keptAnswer(request)
    if (kept) return kept
    throw error
  }
}

/** The last answer, marked as such: the page says that it is old. The level is the one that the server has just told. */
async function keptAnswer(request: Request, refusal?: Response): Promise<Response | null> {
  const kept = await caches.match(request.url, { cacheName: ANSWER_CACHE })
  if (!kept) return null
  const headers = new Headers(kept.headers)
  headers.set(KEPT_HEADER, '1')
  headers.delete(LEVEL_HEADER)
  const level = refusal?.headers.get(LEVEL_HEADER)
  if (level) headers.set(LEVEL_HEADER, level)
  return new Response(kept.body, { status: kept.status, headers })
}

async function answerPicture(event: FetchEvent, request: Request): Promise<Response> {
  const kept = await caches.match(pictureKey(request), { cacheName: PICTURE_CACHE })
  if (kept) return kept
  const response = await ask(event, request)
  const sizeBytes = Number(response.headers.get('content-length'))
  if (response.ok && sizeBytes > 0 && sizeBytes <= MAX_PICTURE_BYTES) {
    const copy = response.clone()
    event.waitUntil(keepPicture(request, copy))
  }
  return response
}

/** One picture, however urgent: the query says no more than that. */
const pictureKey = (request: Request): string => request.url.split('?')[0]!

async function keepPicture(request: Request, response: Response): Promise<void> {
  const cache = await caches.open(PICTURE_CACHE)
  await cache.put(pictureKey(request), response)
  await Promise.all(surplus(await cache.keys(), MAX_PICTURES).map((key) => cache.delete(key)))
}
