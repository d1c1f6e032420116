/** What this device keeps of the app, and clearing what can be fetched again. */

/** The service worker's cache of the app itself: without it nothing opens while there is no network. */
const isAppCache = (name: string) => name.startsWith('upbeat-build-')

export interface SpaceUsed {
  /** What clearing would free; null where the browser doesn't tell. */
  readonly clearableBytes: number | null
  /** All that the browser counts for this app; null where it doesn't tell. */
  readonly totalBytes: number | null
}

/** Measures what the clearable caches hold. */
export async function measureSpace(): Promise<SpaceUsed> {
  const estimate = await navigator.storage?.estimate?.().catch(() => null)
  return { clearableBytes: await measureCaches(), totalBytes: estimate?.usage ?? null }
}

async function clearableCaches(): Promise<string[]> {
  if (typeof caches === 'undefined') return []
  return (await caches.keys()).filter((name) => !isAppCache(name))
}

async function measureCaches(): Promise<number | null> {
  if (typeof caches === 'undefined') return null
  try {
    let sizeBytes = 0
    for (const name of await clearableCaches()) {
      const cache = await caches.open(name)
      for (const key of await cache.keys()) {
        const response = await cache.match(key)
        sizeBytes += response ? (await response.blob()).size : 0
      }
    }
    return sizeBytes
  } catch {
    return null
  }
}

/**
 * Clears caches of videos, pictures and pages. Sign-in, drafts, unfinished uploads, the outbox and preferences lie
 * elsewhere and stay, and so does the app itself.
 *
 * @returns whether every cache could be cleared.
 */
export async function freeSpace(): Promise<boolean> {
  const cleared = await Promise.allSettled((await clearableCaches()).map((name) => caches.delete(name)))
  return cleared.every((one) => one.status === 'fulfilled')
}
