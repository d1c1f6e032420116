/** How the person likes to watch, remembered on this device. */

const KEY = 'upbeat.player'

interface PlayerPrefs {
  isMuted: boolean
  showCaptions: boolean
}

const defaults: PlayerPrefs = { isMuted: false, showCaptions: true }

function recall(): PlayerPrefs {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<PlayerPrefs>) }
  } catch {
    return { ...defaults }
  }
}

export const prefs = $state<PlayerPrefs>(recall())
/** The browser plays without sound until the person has touched the page. */
export const sound = $state({ isBlocked: false })

export function setMuted(isMuted: boolean): void {
  prefs.isMuted = isMuted
  sound.isBlocked = false
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs))
  } catch {
    // Storage is full or forbidden: it is remembered as long as the page lives.
  }
}
