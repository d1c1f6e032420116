/** What a person leaves on a device beside what waits to be sent: it goes with them, for others may come next. */
import { ANSWER_CACHE } from '../../service-worker/rules.ts'

/** Everything in localStorage under such a key belongs to the one who is signed in. */
export const OWN_PREFIX = 'upbeat.own.'

/** Forgets searches, the feeds kept by the service worker, and whatever else has been kept for one person. */
export function forgetOwnTraces(): void {
  // The service worker keeps feeds and the account for when there is no server.
  if (typeof caches !== 'undefined') caches.delete(ANSWER_CACHE).catch(() => {})
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(OWN_PREFIX)) localStorage.removeItem(key)
  } catch {
    // Storage is forbidden: nothing was kept.
  }
}
