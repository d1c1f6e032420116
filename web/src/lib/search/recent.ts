/** What was searched for lately, on this device only, until the one who searched signs out. */
import { OWN_PREFIX } from '#lib/session/own-traces.ts'

const KEY = `${OWN_PREFIX}searches`
export const MAX_RECENT = 8

/** The searches with one more, the newest first, each once whatever its case. */
export function withSearch(recent: readonly string[], q: string): string[] {
  const wanted = q.trim()
  if (wanted === '') return [...recent]
  return [wanted, ...recent.filter((other) => other.toLowerCase() !== wanted.toLowerCase())].slice(
    0,
    MAX_RECENT,
  )
}

export function readRecent(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter((q) => typeof q === 'string').slice(0, MAX_RECENT) : []
  } catch {
    return []
  }
}

export function writeRecent(recent: readonly string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(recent))
  } catch {
    // Storage is full or forbidden: nothing is remembered.
  }
}
