/** Registers the service worker once the page has nothing better to do. */
import { dev } from '$app/env'

const PATIENCE_MS = 8000

export function registerWorkerWhenIdle(): void {
  if (dev || !('serviceWorker' in navigator)) return
  const register = () => {
    // `updateViaCache: none`: the worker's script is always compared with the server's, so no build stays for ever.
    void navigator.serviceWorker
      .register('/service-worker.js', { type: 'module', updateViaCache: 'none' })
      .catch(() => {})
  }
  if ('requestIdleCallback' in globalThis) requestIdleCallback(register, { timeout: PATIENCE_MS })
  else register()
}
