/**
 * The first look at each request, before routing, sessions and bodies: whoever asks too often, or has to prove work first,
 * is answered here at the cost of one short text. Who is known to us, by a cookie that we have signed, is counted alone and never challenged.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import { toProblemBody } from '../../../kit/http/problem-details.ts'
import { createProxyTrust } from '../../../kit/network/proxy-trust.ts'
import { createNetworkMap, prefixesOf, type NetworkMap } from '../../../kit/network/prefixes.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { Ctx } from '../context.ts'
import { AppError, type ProblemCode } from '../errors.ts'
import type { App } from '../http.ts'
import { countConnections } from './connections.ts'
import {
  createAbuseLimits,
  type AbuseLimits,
  type AbuseLimitsOptions,
  type Asker,
  type Reason,
  type Wanted,
} from './limits.ts'
import { readPass } from './passes.ts'
import { createSessionOwners, OWNERS_BYTES } from './session-owners.ts'

export interface FrontParts {
  /** The session's token by a Cookie header, its signature checked; null: none of ours. */
  readonly sessionOf: (cookieHeader: string | undefined) => string | null
  /** Whether the session of this token was ended, by what is in memory; true too where nobody can tell yet. */
  readonly mayHaveEnded: (token: string) => boolean
  /** Operators' blocks. */
  readonly blocks: Pick<NetworkMap<true>, 'find'>
  /** Somebody who went on after being told: to be kept out before a byte is read, where that harms nobody else. */
  readonly onPenalty: (line: string, forMs: number) => void
  /** People known to us come from there, or somebody who has proved work; again before that is forgotten. */
  readonly onStanding: AbuseLimitsOptions['onStanding']
}

export interface Front {
  readonly limits: AbuseLimits
  readonly openConnections: () => number
  readonly refusedConnections: () => number
}

/** Addresses come again: what they lie in is looked up. */
const ADDRESSES_KEPT = 20_000
const PREFIXES_KEPT_BYTES = ADDRESSES_KEPT * 256

/** Puts it before everything else that the app's server does. */
export function openFront(app: App, ctx: Ctx, parts: FrontParts): Front {
  const { abuse, trustedProxies } = ctx.config
  const isExempt = createExemptions(abuse.exempt)
  const limits = createAbuseLimits({
    ...{ rates: abuse.rates, clock: ctx.clock },
    seed: ctx.randomBytes(4).readUInt32LE(),
    onStanding: parts.onStanding,
    onPenalty({ line, untilMs }) {
      if (!limits.isHomeOfKnown(line)) parts.onPenalty(line, untilMs - ctx.clock.monotonicMs())
    },
  })
  const trust = createProxyTrust(trustedProxies)
  const isUncounted = (address: string): boolean => isExempt(address) || (trust !== false && trust(address))
  const connections = countConnections(abuse.connections, isUncounted)
  app.server.prependListener('connection', (socket: Socket) => void connections.admit(socket))

  const addressOf = (request: IncomingMessage): string => {
    const remote = request.socket.remoteAddress ?? ''
    return trust === false || !trust(remote) ? remote : proxyAddr(request, (each) => trust(each))
  }
  const secret = ctx.secrets.session
  const owners = createSessionOwners(parts.mayHaveEnded)
  app.addHook('preHandler', (request, _reply, done) => {
    const token = request.viewer && parts.sessionOf(request.raw.headers.cookie)
    if (token) owners.remember(token, request.viewer!.id)
    done()
  })
  const personOf = (cookies: string): string | null => {
    const token = parts.sessionOf(cookies)
    return token === null ? null : owners.countedAs(token)
  }
  const askerOf = createAskers(personOf, secret, () => ctx.clock.now().getTime())
  const look = (request: IncomingMessage, response: ServerResponse): boolean => {
    const address = addressOf(request)
    if (isExempt(address)) return true
    if (parts.blocks.find(address) !== undefined) return refuse(response, 'blocked', 0)
    const asker = askerOf(address, request.headers.cookie)
    const wanted = wantedOf(request)
    const refused = limits.judge(asker, wanted)
    if (refused === null) {
      // The page itself is given to everybody; what would be looked up for it is not.
      if (limits.isProofWanted && asker.person === null && !limits.isProven(asker) && isSharedPage(request))
        request.url = '/'
      return true
    }
    if (refused.reason === 'penalty') return cut(response)
    return refuse(response, CODES[refused.reason], refused.waitMs)
  }
  replaceListener(app, look)
  return { limits, openConnections: connections.open, refusedConnections: connections.refused }
}

/** What all of this may take in a process, at the most. Tested. */
export const frontSizeBytes = ({ sizeBytes }: AbuseLimits): number =>
  sizeBytes + PREFIXES_KEPT_BYTES + OWNERS_BYTES

function replaceListener(
  app: App,
  look: (request: IncomingMessage, response: ServerResponse) => boolean,
): void {
  const [handle, ...others] = app.server.listeners('request') as RequestListener[]
  if (!handle || others.length > 0) throw new Error('The server has another listener than its framework.')
  app.server.removeListener('request', handle)
  app.server.on('request', (request, response) => {
    if (look(request, response)) handle(request, response)
  })
}

function createExemptions(exempt: readonly string[]): (address: string) => boolean {
  const map = createNetworkMap<true>()
  for (const each of exempt) map.set(each, true)
  const known = createRecentMap<string, boolean>(ADDRESSES_KEPT)
  return (address) => {
    let isExempt = known.get(address)
    if (isExempt === undefined) known.set(address, (isExempt = map.find(address) === true))
    return isExempt
  }
}

function createAskers(personOf: (cookies: string) => string | null, secret: string, now: () => number) {
  return (address: string, cookies: string | undefined): Asker => {
    const prefixes = prefixesOf(address)
    if (cookies === undefined) return { ...prefixes, person: null, pass: null }
    const person = personOf(cookies) ?? readPass(secret, 'device', cookies, now())
    return { ...prefixes, person, pass: person === null ? readPass(secret, 'pass', cookies, now()) : null }
  }
}

/** What a browser needs to prove work, and what says how the instance fares. */
const OPEN =
  /^\/(?:_app\/|api\/v1\/(?:proof|state|instance)(?:[/?]|$)|healthz$|[^/?]*\.(?:js|json|webmanifest|ico|png|svg|txt|css)(?:\?|$))/
const isApi = (path: string): boolean => path.startsWith('/api/') || path.startsWith('/media/')
const isPage = ({ method, url = '' }: IncomingMessage): boolean => {
  const path = pathOf(url)
  return (method === 'GET' || method === 'HEAD') && path !== null && !isApi(path)
}

/** As the router reads it, which decodes it; null: no browser writes it so. */
function pathOf(url: string): string | null {
  if (!url.startsWith('/')) return null
  const end = url.search(/[?#]/)
  const path = end < 0 ? url : url.slice(0, end)
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

const wantedOf = (request: IncomingMessage): Wanted =>
  OPEN.test(request.url ?? '') || isPage(request) ? 'open' : 'gated'

const isSharedPage = ({ url = '' }: IncomingMessage): boolean => {
  const path = pathOf(url)
  return path !== null && (path.startsWith('/v/') || path.startsWith('/@'))
}

const CODES = {
  person: 'too-many-requests',
  address: 'too-many-requests',
  network: 'too-many-requests',
  proof: 'proof-wanted',
} as const satisfies Record<Exclude<Reason, 'penalty'>, ProblemCode>

/** An error each time would note its stack each time. */
const refusals = new Map<ProblemCode, { readonly status: number; readonly body: string }>()

/** Always false: it goes no further. */
function refuse(response: ServerResponse, code: ProblemCode, waitMs: number): false {
  const retryAfterS = Math.max(1, Math.ceil(waitMs / 1_000))
  let refusal = refusals.get(code)
  if (refusal === undefined) {
    const error = new AppError(code, { retryAfterS: -1 })
    refusal = { status: error.kind.status, body: JSON.stringify(toProblemBody(error)) }
    refusals.set(code, refusal)
  }
  const text = refusal.body.replace('"retryAfterS":-1', `"retryAfterS":${retryAfterS}`)
  response.writeHead(refusal.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'retry-after': String(retryAfterS),
    // A body that comes all the same would be read to its end for nothing.
    connection: hasBody(response.req) ? 'close' : 'keep-alive',
  })
  response.end(text)
  return false
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined

/** Who was told and goes on hears nothing more. */
function cut(response: ServerResponse): false {
  response.socket?.destroy()
  return false
}
