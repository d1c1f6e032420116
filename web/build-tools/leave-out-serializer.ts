/**
 * Leaves devalue out of the browser's code: 5 kB that SvelteKit brings for data from its own server, of which a static
 * shell has none. Whoever adds a `load` on a server, an action or a remote function meets the error below.
 */
import type { Plugin } from 'vite'

const STAND_IN = '\0upbeat:no-serializer'
const NAMES = ['parse', 'stringify', 'stringifyAsync', 'unflatten', 'uneval']

export function leaveOutSerializer(): Plugin {
  return {
    name: 'upbeat-leave-out-serializer',
    enforce: 'pre',
    apply: 'build',
    applyToEnvironment: (environment) => environment.name === 'client',
    resolveId: (id) => (id === 'devalue' ? STAND_IN : null),
    load(id) {
      if (id !== STAND_IN) return null
      const refuse = `() => { throw new Error('A static shell has no data of a SvelteKit server.') }`
      return NAMES.map((name) => `export const ${name} = ${refuse}`).join('\n')
    },
  }
}
