/** Every route by which a Fastify app can be written to, as it is registered: a new one is among them by itself. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'

export interface WriteRoute {
  readonly method: string
  /** As registered, with `:name` and `*`. */
  readonly path: string
  /** One that leads there. */
  readonly url: string
}

export interface WriteRoutes extends Disposable {
  readonly found: readonly WriteRoute[]
  /** The routes, as `METHOD path`, that requests came to since it was last asked. None of them goes on from there. */
  takeReached(): string[]
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** Fits ids, and whatever else stands for one thing. */
const ANY_ID = '0192aaaa-0000-7000-8000-000000000001'
const STOPPED = 'stopped before its body was read'

/** Collects from all apps that are made from now on, until disposed. */
export function collectWriteRoutes(): WriteRoutes {
  const found: WriteRoute[] = []
  const reached: string[] = []
  const onApp = (message: unknown) => {
    const { fastify } = message as { readonly fastify: FastifyInstance }
    fastify.addHook('onRoute', (route) => {
      for (const method of [route.method].flat().filter((each) => !SAFE_METHODS.has(each)))
        found.push({ method, path: route.url, url: route.url.replaceAll(/:\w+(\([^)]*\))?|\*/g, ANY_ID) })
      route.preParsing = (request, _reply, _payload, done) => {
        if (SAFE_METHODS.has(request.method)) return done()
        reached.push(`${request.method} ${route.url}`)
        done(new Error(STOPPED))
      }
    })
  }
  subscribe('fastify.initialization', onApp)
  return {
    found,
    takeReached: () => reached.splice(0),
    [Symbol.dispose]: () => void unsubscribe('fastify.initialization', onApp),
  }
}

/** What a browser says of a write that a page of another site began; no page can make it leave these out. */
const ORIGINS: readonly Readonly<Record<string, string>>[] = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  // A browser without Fetch Metadata.
  { origin: 'https://evil.example' },
  // From a sandboxed frame, or after a redirect.
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
  { origin: 'null' },
  // A browser that keeps the Origin to itself.
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
]

/** What a form or a script can send without being asked first (Fetch Standard, "CORS-safelisted request-header"), and JSON. */
const BODIES: readonly (readonly [contentType: string, payload: string])[] = [
  ['text/plain', '{}'],
  ['application/x-www-form-urlencoded', 'a=b'],
  [
    'multipart/form-data; boundary=b',
    '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n',
  ],
  ['application/json', '{}'],
]

export interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string
}

/** Each of these origins, and each of these bodies. */
export const FOREIGN_WRITES: readonly Sent[] = Array.from({ length: 8 }, (_, n) => {
  const [contentType, payload] = BODIES[n % BODIES.length]!
  return { headers: { ...ORIGINS[n % ORIGINS.length]!, 'content-type': contentType }, payload }
})

/** What a page of our own sends. */
export const OWN_WRITE: Sent = {
  headers: { host: 'localhost', origin: 'http://localhost', 'content-type': 'application/json' },
  payload: '{}',
}
