/** What the screen is like, as reactive values. */
import { MediaQuery } from 'svelte/reactivity'

/** From this width on the page has a rail at the left and sheets come from the side. */
export const isDesktop = new MediaQuery('min-width: 900px')
export const prefersReducedMotion = new MediaQuery('prefers-reduced-motion: reduce')
