/** How the person wants the app to behave on this device. Never leaves it. */

const KEY = 'upbeat.preferences'

export interface Preferences {
  /** Videos begin by themselves when they come into view. */
  autoplay: boolean
  motion: 'system' | 'reduced'
  data: 'system' | 'save' | 'full'
  /** What may be fetched ahead of each video that comes next, in megabytes. */
  fetchAheadMb: 0 | 1 | 3
}

const defaults: Preferences = { autoplay: true, motion: 'system', data: 'system', fetchAheadMb: 3 }

/** Reads what was stored; anything strange in it counts as not set. */
export function parsePreferences(text: string | null): Preferences {
  try {
    const stored = JSON.parse(text ?? '{}') as Partial<Record<keyof Preferences, unknown>>
    return {
      autoplay: typeof stored.autoplay === 'boolean' ? stored.autoplay : defaults.autoplay,
      motion: oneOf(stored.motion, ['system', 'reduced'], defaults.motion),
      data: oneOf(stored.data, ['system', 'save', 'full'], defaults.data),
      fetchAheadMb: oneOf(stored.fetchAheadMb, [0, 1, 3], defaults.fetchAheadMb),
    }
  } catch {
    return { ...defaults }
  }
}

function oneOf<T>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.find((item) => item === value) ?? otherwise
}

function recall(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(KEY))
  } catch {
    return { ...defaults }
  }
}

export const preferences = $state<Preferences>(recall())
applyMotion()

/** Changes preferences, at once and for the next visit. */
export function setPreferences(change: Partial<Preferences>): void {
  Object.assign(preferences, change)
  applyMotion()
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences))
  } catch {
    // Storage is full or forbidden: they hold as long as the page lives.
  }
}

/** Styles ask the root element; the system's own wish is a media query. */
function applyMotion(): void {
  if (typeof document !== 'undefined') document.documentElement.dataset.motion = preferences.motion
}
