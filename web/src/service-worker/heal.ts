/**
 * A worker that is stuck in an old build takes itself away, once: with each page it asks the server for its build, by an
 * address that no cache keeps, and compares.
 */
import { outdatedCaches, shouldHeal } from './rules.ts'

/** As BUILD_PATH of contract/client.ts. */
const BUILD_PATH = '/_app/version.json'
/** Remembers, beyond the worker's own life, for which build of the server it was done. */
const HEALED_CACHE = 'upbeat-healed'
/** Nobody waits for the answer. */
const ASK_TIMEOUT_MS = 30_000

interface Worker {
  readonly registration: ServiceWorkerRegistration
  readonly clients: Clients
}

let looked: Promise<unknown> = Promise.resolve()

/**
 * Looks whether the server has another build although its worker can't be had; then unregisters this one, drops its
 * caches and loads the page anew. Never twice for one build of the server.
 */
export function healIfStuck(self: Worker, ownBuild: string, clientId: string): Promise<void> {
  // One after the other: what is asked for one page may be from before the next was asked for.
  const look = looked.then(() => heal(self, ownBuild, clientId))
  looked = look.catch(() => {})
  return look
}

async function heal(self: Worker, ownBuild: string, clientId: string): Promise<void> {
  const serverBuild = await askBuild()
  if (serverBuild === null || serverBuild === ownBuild) return
  const canUpdate = await takesOver(self.registration)
  const healedFor = await readHealedFor()
  if (!shouldHeal({ ownBuild, serverBuild, healedFor, canUpdate })) return
  // Before anything else: what fails halfway is not begun again.
  await (await caches.open(HEALED_CACHE)).put('/', new Response(serverBuild))
  await Promise.all(outdatedCaches(await caches.keys(), '').map((name) => caches.delete(name)))
  await self.registration.unregister()
  const client = await self.clients.get(clientId)
  if (client instanceof WindowClient) await client.navigate(client.url)
}

/** Null: the server can't be asked, or says something else. */
async function askBuild(): Promise<string | null> {
  try {
    const response = await fetch(BUILD_PATH, {
      cache: 'no-store',
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    })
    const { version } = (await response.json()) as { version?: unknown }
    return response.ok && typeof version === 'string' ? version : null
  } catch {
    return null
  }
}

/** Whether a newer worker can be had, and gets through its installation. */
async function takesOver(registration: ServiceWorkerRegistration): Promise<boolean> {
  try {
    await registration.update()
  } catch {
    return false
  }
  const next = registration.installing ?? registration.waiting
  if (!next) return false
  while (next.state === 'installing')
    await new Promise((resolve) => next.addEventListener('statechange', resolve, { once: true }))
  return next.state !== 'redundant'
}

async function readHealedFor(): Promise<string | null> {
  const kept = await caches.match('/', { cacheName: HEALED_CACHE })
  return kept ? kept.text() : null
}
