/** One request to a source. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

const SOCKETS_MAX = 256
const agents = {
  http: new HttpAgent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
  https: new HttpsAgent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
}

export interface Question {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** How long to wait for the answer's head; absent: as long as the signal lets it. */
  readonly headTimeoutMs?: number
}

/** The answer's head; its body is the caller's to read or destroy. @throws when no answer comes */
export function askSource(
  origin: string,
  { path, headers = {}, signal, headTimeoutMs }: Question,
): Promise<IncomingMessage> {
  // `@elsewhere` after an origin would lead elsewhere.
  if (!path.startsWith('/')) return Promise.reject(new Error(`${path} is no path.`))
  const isSecure = origin.startsWith('https:')
  const send = isSecure ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const asking = send(`${origin}${path}`, {
      agent: isSecure ? agents.https : agents.http,
      // Its certificate is for its own name, whatever name people used.
      servername: new URL(origin).hostname,
      headers,
      signal,
    })
    const timer = setTimeout(
      () => asking.destroy(new Error('It sent no head in time.')),
      headTimeoutMs ?? 2 ** 31 - 1,
    )
    asking
      .once('response', resolve)
      .once('error', reject)
      .once('response', () => clearTimeout(timer))
      .once('close', () => clearTimeout(timer))
      .end()
  })
}

/** The SHA-256 that a `Repr-Digest` states (RFC 9530, section 3), hex; null: it states none. */
export function readReprDigest(header: string | string[] | undefined): string | null {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  const match = /(?:^|[,\s])sha-256=:([A-Za-z0-9+/]{43}=):/.exec(text)
  return match ? Buffer.from(match[1]!, 'base64').toString('hex') : null
}

/** As a `Repr-Digest` states it. */
export const toReprDigest = (sha256: string): string =>
  `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
