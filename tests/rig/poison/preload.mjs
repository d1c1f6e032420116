/**
 * Loaded into the processes of a drill's product before any code of ours (`NODE_OPTIONS=--import`): whoever asks for a video
 * with this header ends the process, by an error that nobody catches. The product itself has no such way.
 */
import { subscribe } from 'node:diagnostics_channel'

subscribe('fastify.initialization', ({ fastify }) => {
  fastify.addHook('onRoute', (route) => {
    if (!route.url.endsWith('/videos/:id') || route.method !== 'GET') return
    const { handler } = route
    route.handler = function (request, reply) {
      if (request.headers['x-drill-poison'] === undefined) return handler.call(this, request, reply)
      // Beyond what any handler's promise catches, and never answered.
      setTimeout(() => {
        throw new Error('poisonous request')
      }, 1)
      return new Promise(() => {})
    }
  })
})
