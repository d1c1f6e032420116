/** Lets a page that came by one address of the instance read by another what is open to all: CORS without credentials. */
import type { Config } from './config.ts'
import type { App } from './http.ts'

/**
 * Answers to reads may be read by pages of the instance's own addresses, and by no other site's. Cookies are not sent
 * along: whoever asks so is a visitor.
 *
 * @see Fetch Standard, CORS protocol
 */
export function openOtherAddresses(app: App, { publicUrl, otherUrls }: Config): void {
  if (otherUrls.length === 0) return
  const own = new Set([...(publicUrl === null ? [] : [new URL(publicUrl).origin]), ...otherUrls])
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'GET') {
      // Caches keep an answer for each: also for who names none.
      reply.header('vary', 'origin')
      const { origin } = request.headers
      if (origin !== undefined && own.has(origin))
        reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', '*')
    }
    done()
  })
}
