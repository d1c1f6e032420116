/**
 * Leaves devalue out of the browser's code: 5 kB that SvelteKit brings for data from its own server, of which a static
 * shell has none.
 *
 * The router also writes history states and snapshots with it; those of this app are plain JSON. Whoever adds a `load`
 * on a server, an action or a remote function meets the error below.
 */
import type { Plugin } from 'vite'

const STAND_IN = '\0upbeat:no-serializer'
const CODE = `
const refuse = () => { throw new Error('A static shell has no data of a SvelteKit server.') }
export const parse = (text) => JSON.parse(text)
export const stringify = (value) => JSON.stringify(value ?? null)
export const stringifyAsync = refuse
export const unflatten = refuse
export const uneval = refuse
`

export function leaveOutSerializer(): Plugin {
  return {
    name: 'upbeat-leave-out-serializer',
    enforce: 'pre',
    apply: 'build',
    applyToEnvironment: (environment) => environment.name === 'client',
    resolveId: (id) => (id === 'devalue' ? STAND_IN : null),
    load: (id) => (id === STAND_IN ? CODE : null),
  }
}
