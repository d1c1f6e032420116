/** Whose word on the client's address counts: reverse proxies, by address or network. Asked for each request. */
import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import { createRecentMap } from '../bounded/recent-map.ts'

/** Proxies are few; whoever else connects is forgotten again. */
const ADDRESSES_KEPT = 1_000

/** `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`; also the names that proxy-addr knows for such networks. */
export function isAddressOrNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address, bits, ...rest] = text.split('/') as [string, ...string[]]
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

/**
 * For Fastify's `trustProxy`. What was found of an address is kept: parsing it anew took 2 µs of each request.
 *
 * @throws {TypeError} for what is no address or network; see `isAddressOrNetwork`.
 */
export function createProxyTrust(proxies: readonly string[]): false | ((address: string) => boolean) {
  if (proxies.length === 0) return false
  const isProxy = proxyAddr.compile([...proxies])
  const known = createRecentMap<string, boolean>(ADDRESSES_KEPT)
  return (address) => {
    let isTrusted = known.get(address)
    if (isTrusted === undefined) known.set(address, (isTrusted = isProxy(address, 0)))
    return isTrusted
  }
}
