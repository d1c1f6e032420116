/**
 * Leaves out of the browser's code what a static shell never does: 11 kB before compression that Svelte and SvelteKit
 * bring for pages rendered on a server (data in devalue's format, hydration) and for custom elements.
 *
 * The router also writes history states and snapshots with devalue; those of this app are plain JSON. Whoever adds a
 * `load` on a server, an action, a remote function or a custom element meets the errors below. A version of Svelte that
 * keeps these things in other places fails the build.
 */
import type { Plugin } from 'vite'

const SERIALIZER = '\0upbeat:no-serializer'

const NO_SERIALIZER = `
const refuse = () => { throw new Error('A static shell has no data of a SvelteKit server.') }
export const parse = (text) => JSON.parse(text)
export const stringify = (value) => JSON.stringify(value ?? null)
export const stringifyAsync = refuse
export const unflatten = refuse
export const uneval = refuse
`

/** Svelte guards all of its hydration by the first constant, so that what is behind it falls away. */
const NO_HYDRATION = `
const refuse = () => { throw new Error('A static shell hydrates nothing.') }
export const hydrating = false
export const hydrate_node = null
export const set_hydrating = (value) => { if (value) refuse() }
export const set_hydrate_node = (node) => { if (node) refuse() }
export const hydrate_next = () => {}
export const reset = () => {}
export const hydrate_template = () => {}
export const next = () => {}
export const skip_nodes = refuse
export const read_hydration_instruction = refuse
`

const NO_CUSTOM_ELEMENTS = `
export const create_custom_element = () => { throw new Error('This app has no custom elements.') }
`

/** Modules with a stand-in, by the end of their path. */
const STAND_INS: Readonly<Record<string, string>> = {
  '/svelte/src/internal/client/dom/hydration.js': NO_HYDRATION,
  '/svelte/src/internal/client/dom/elements/custom-element.js': NO_CUSTOM_ELEMENTS,
}

/** What only forms use of Svelte's barrel. It does nothing by being loaded, so that who needs nothing of it goes without. */
export const FIELDS =
  /svelte\/src\/(?:reactivity\/set|internal\/client\/dom\/elements\/bindings\/(?:input|select))\.js/

/** The router mounts and never hydrates. */
const ROUTER = '/@sveltejs/kit/src/runtime/client/client.js'
const HYDRATING: readonly (readonly [string, string])[] = [
  ['should_hydrate ? hydrate : mount', 'mount'],
  ['await _hydrate(target, data);', "throw new Error('A static shell hydrates nothing.');"],
]

export function leaveOut(): Plugin {
  const awaited = new Set([...Object.keys(STAND_INS), ROUTER])
  return {
    name: 'upbeat-leave-out',
    enforce: 'pre',
    apply: 'build',
    applyToEnvironment: (environment) => environment.name === 'client',
    resolveId: (id) => (id === 'devalue' ? SERIALIZER : null),
    load(id) {
      if (id === SERIALIZER) return NO_SERIALIZER
      const place = Object.keys(STAND_INS).find((end) => id.endsWith(end))
      if (!place) return null
      awaited.delete(place)
      return STAND_INS[place]!
    },
    transform(code, id) {
      if (FIELDS.test(id)) return { code, map: null, moduleSideEffects: false }
      if (!id.endsWith(ROUTER)) return null
      if (HYDRATING.every(([before]) => code.includes(before))) awaited.delete(ROUTER)
      return {
        code: HYDRATING.reduce((text, [before, after]) => text.replace(before, after), code),
        map: null,
      }
    },
    buildEnd(error) {
      if (!error && awaited.size > 0)
        throw new Error(`Svelte keeps elsewhere what is left out: ${[...awaited].join(', ')}.`)
    },
  }
}
