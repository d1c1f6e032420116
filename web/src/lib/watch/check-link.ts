/** The way to "is it down, or is it me?", with what only the app knows: its build, where it came from, who is signed in. */
import { version } from '$app/env'
import { session } from '#lib/session/session.svelte.ts'
import { STATUS_KEY } from './status-key.ts'

/** Null: this instance has no watch, or none has answered yet. */
export function checkHref(): string | null {
  const page = readStatusPage()
  if (!page) return null
  const facts = {
    build: version,
    isFromWorker: Boolean(navigator.serviceWorker?.controller),
    ...(session.state !== 'unknown' && { isSignedIn: session.state === 'signed-in' }),
  }
  return `${page}/check#app=${encodeURIComponent(JSON.stringify(facts))}`
}

function readStatusPage(): string | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STATUS_KEY) ?? 'null')
    const url = (kept as { service?: { statusUrl?: unknown } } | null)?.service?.statusUrl
    return typeof url === 'string' && /^https?:/.test(url) ? url : null
  } catch {
    return null
  }
}
