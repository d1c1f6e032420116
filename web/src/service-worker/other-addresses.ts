/**
 * Where the instance's own address does not answer (its name is not found, its certificate has expired), what is open
 * to all is asked for by another of its addresses, as a visitor: cookies stay at home. The pages show it like any other
 * answer, and are told to look at the service's state, in which its way stands.
 */
import { ADDRESS_CACHE, goesElsewhere, REACHED_BY_HEADER } from './rules.ts'

const INSTANCE_PATH = '/api/v1/instance'
const STATE_PATH = '/api/v1/state'
/** Asked whether the own address is back. */
const SIGN_OF_LIFE = '/healthz'
const LOOK_EVERY_MS = 10_000
const LOOK_TIMEOUT_MS = 5_000
const OTHER_TIMEOUT_MS = 8_000
/** Of `lib/service/follow-state.ts`. */
const CHANNEL = 'upbeat.service'

/** In the order in which they are tried; null: nobody has looked yet what is kept of them. */
let addresses: readonly string[] | null = null
const loading = load()
/** By which one it works while the own one does not; null: by the own one. */
let inUse: string | null = null
let lookedAtMs = 0

/** Whether `ask` has to answer it. While all is well, media go past the worker. */
export function isAskedHere(request: Request, url: URL): boolean {
  if (url.pathname === INSTANCE_PATH) return true
  if (addresses?.length === 0) return false
  return goesElsewhere(url.pathname) && (inUse !== null || url.pathname.startsWith('/api/'))
}

/** The own address's answer, else that of another one. @throws as `fetch` does, where none has answered */
export async function ask(event: FetchEvent, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const mayGoElsewhere = goesElsewhere(url.pathname)
  if (mayGoElsewhere && inUse !== null) {
    event.waitUntil(lookWhetherBack())
    const answer = await askElsewhere(request, url)
    if (answer) return answer
  }
  let response: Response
  try {
    response = await fetch(request)
  } catch (error) {
    const answer = mayGoElsewhere && !request.signal.aborted ? await askElsewhere(request, url) : null
    if (answer) return answer
    throw error
  }
  if (response.ok && url.pathname === INSTANCE_PATH) event.waitUntil(learn(response.clone()))
  return response
}

/** Notes the addresses that the instance tells of itself. */
export async function learnAddresses(): Promise<void> {
  await learn(await fetch(INSTANCE_PATH))
}

async function learn(answer: Response): Promise<void> {
  const { otherUrls = [] } = (await answer.json()) as { otherUrls?: string[] }
  addresses = otherUrls.filter((address) => address !== location.origin)
  await (await caches.open(ADDRESS_CACHE)).put('/', Response.json(addresses))
}

async function load(): Promise<void> {
  const kept = await caches.match('/', { cacheName: ADDRESS_CACHE })
  addresses ??= kept ? ((await kept.json()) as string[]) : []
}

async function askElsewhere(request: Request, url: URL): Promise<Response | null> {
  await loading
  const inOrder = (addresses ?? []).toSorted((a, b) => Number(b === inUse) - Number(a === inUse))
  for (const address of inOrder) {
    const answer = await askAt(address, request, url).catch(() => null)
    if (!answer || answer.status >= 500) continue
    use(address)
    return withAddress(answer, new URL(address).host, url.pathname)
  }
  return null
}

/** With no header of ours: a request that needs no preflight. */
function askAt(address: string, request: Request, { pathname, search }: URL): Promise<Response> {
  const range = request.headers.get('range')
  return fetch(`${address}${pathname}${search}`, {
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    headers: range === null ? {} : { range },
    signal: AbortSignal.any([request.signal, AbortSignal.timeout(OTHER_TIMEOUT_MS)]),
  })
}

/** As an answer of the own address, which says by which it came. */
async function withAddress(answer: Response, host: string, path: string): Promise<Response> {
  const headers = new Headers(answer.headers)
  headers.set(REACHED_BY_HEADER, host)
  // The body is no longer as it was sent.
  headers.delete('content-encoding')
  headers.delete('content-length')
  if (path !== STATE_PATH || !answer.ok) return new Response(answer.body, { status: answer.status, headers })
  return Response.json({ ...(await answer.json()), reachedBy: host }, { headers })
}

async function lookWhetherBack(): Promise<void> {
  if (Date.now() - lookedAtMs < LOOK_EVERY_MS) return
  lookedAtMs = Date.now()
  const isBack = await fetch(SIGN_OF_LIFE, {
    cache: 'no-store',
    signal: AbortSignal.timeout(LOOK_TIMEOUT_MS),
  }).then(
    ({ ok }) => ok,
    () => false,
  )
  if (isBack) use(null)
}

function use(address: string | null): void {
  if (inUse === address) return
  inUse = address
  if (address !== null) lookedAtMs = Date.now()
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage('look')
  channel.close()
}
