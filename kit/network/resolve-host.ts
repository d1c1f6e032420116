/** A host's addresses, asked of the machine's resolvers without occupying the thread pool. */
import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** `no-answer`: the name has no address, or its servers fail; `no-resolver`: nobody could be asked. */
export class ResolveError extends Error {
  readonly kind: 'no-answer' | 'no-resolver'
  readonly code: string

  constructor(kind: 'no-answer' | 'no-resolver', code: string, host: string) {
    super(
      kind === 'no-answer'
        ? `${host} has no address (${code}).`
        : `No resolver answered for ${host} (${code}).`,
    )
    this.name = 'ResolveError'
    this.kind = kind
    this.code = code
  }
}

/** What c-ares and getaddrinfo say when the resolver is at fault rather than the name. */
const RESOLVER_CODES = new Set([
  'ECONNREFUSED',
  'ETIMEOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EAI_SYSTEM',
  'ENOMEM',
  'EAI_MEMORY',
])
const RESOLVE_TIMEOUT_MS = 3_000

const under = new Map<string, Promise<HostAddress[]>>()

/**
 * All addresses of the host, IPv4 first. Those who ask at the same time share one question; nothing is cached.
 *
 * @throws {ResolveError}
 */
export function resolveHost(host: string): Promise<HostAddress[]> {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(bare)
  if (family !== 0) return Promise.resolve([{ address: bare, family: family as 4 | 6 }])
  if (/^(?:.+\.)?localhost\.?$/i.test(bare))
    return Promise.resolve([
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
  let asking = under.get(bare)
  if (!asking) {
    asking = ask(bare).finally(() => under.delete(bare))
    under.set(bare, asking)
  }
  return asking
}

async function ask(host: string): Promise<HostAddress[]> {
  const resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: 2 })
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const found = [
    ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 as const })) : []),
    ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 as const })) : []),
  ]
  if (found.length > 0) return found
  // The name may stand in the machine's hosts file, which c-ares does not read for these questions.
  try {
    const listed = await lookup(host, { all: true, order: 'ipv4first' })
    return listed.map(({ address, family }) => ({ address, family: family as 4 | 6 }))
  } catch (error) {
    const codes = [v4, v6].flatMap((result) =>
      result.status === 'rejected' ? [String((result.reason as { code?: string }).code)] : [],
    )
    const own = (error as { code?: string }).code ?? 'EUNKNOWN'
    const isUnasked = codes.every((code) => RESOLVER_CODES.has(code)) && codes.length > 0
    throw new ResolveError(isUnasked ? 'no-resolver' : 'no-answer', isUnasked ? codes[0]! : own, host)
  }
}
