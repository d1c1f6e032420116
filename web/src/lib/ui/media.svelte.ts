/** What the screen is like, as reactive values. */
import { MediaQuery } from 'svelte/reactivity'
import { preferences } from '#lib/preferences/preferences.svelte.ts'

/** From this width on the page has a rail at the left and sheets come from the side. */
export const isDesktop = new MediaQuery('min-width: 900px')
/** There is a pointer that can lie over something without touching it: a mouse. */
export const canHover = new MediaQuery('hover: hover')
const systemReducedMotion = new MediaQuery('prefers-reduced-motion: reduce')
/** By the system's setting or the app's own. */
export const prefersReducedMotion = {
  get current(): boolean {
    return preferences.motion === 'reduced' || systemReducedMotion.current
  },
}
