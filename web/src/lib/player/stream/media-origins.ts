/**
 * From which of several places media come. All have the same files under the same paths, so any can go on where another
 * stopped: who is silent, unreachable or broken is left for the next one, within a time that what is buffered bridges.
 */
const HEAD_TIMEOUT_MS = 1_200

/** First the one that the page itself came from. */
let origins: readonly string[] = ['']
let at = 0
let edge: string | null = null

/** Beside the place that the page itself came from, which is asked first. */
export function setMediaOrigins(urls: readonly string[]): void {
  origins = ['', ...urls.filter((url) => url !== location.origin)]
  at %= origins.length
}

/** Whether there is anywhere else to go. */
export const hasOtherOrigins = (): boolean => origins.length > 1

/** The edge that answered last, as it calls itself, and where it is; null: none has, or it was no edge. */
export const currentEdge = (): { name: string; host: string } | null =>
  edge === null ? null : { name: edge, host: new URL(origins[at] || location.href).host }

/** The next place from now on: the one in use has failed in the middle of an answer. */
export function leaveOrigin(): void {
  at = (at + 1) % origins.length
}

/** As `fetch`, from the place in use; from the next ones when that does not answer, or answers that it can not. */
export async function fetchMedia(
  url: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  for (let left = origins.length - 1; ; left--) {
    const head = new AbortController()
    const timer = setTimeout(() => left && head.abort(), HEAD_TIMEOUT_MS)
    try {
      const signal = AbortSignal.any([init.signal, head.signal])
      const response = await fetch(addressOf(url), { ...init, signal })
      if (!left || response.status < 500) {
        edge = response.headers.get('upbeat-edge')
        return response
      }
      void response.body?.cancel()
    } catch (error) {
      if (!left || init.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
    }
    leaveOrigin()
  }
}

function addressOf(url: string): string {
  const { origin, pathname, search } = new URL(url, location.href)
  return origins[at] && origin === location.origin ? origins[at] + pathname + search : url
}
