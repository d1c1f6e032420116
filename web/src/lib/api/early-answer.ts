/**
 * Takes what the shell's inline script has asked for before the app was there.
 *
 * The script starts the feed's and the account's requests while the browser still loads the app; each answer is used once.
 */
import { readAnswer } from './client.ts'

declare global {
  interface Window {
    upbeatEarly?: Record<string, Promise<Response> | undefined>
  }
}

/** The early answer of an API path, or null when there is none or it failed: then ask as usual. */
export async function takeEarlyAnswer<T>(path: string): Promise<T | null> {
  const asked = window.upbeatEarly?.[path]
  if (!asked) return null
  delete window.upbeatEarly![path]
  try {
    const response = await asked
    return response.ok ? await readAnswer<T>(response) : null
  } catch {
    return null
  }
}
