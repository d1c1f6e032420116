/** Which addresses may be connected to when somebody else chose the host, and that no others are. */
import { isIP, type LookupFunction } from 'node:net'
import { isMetadataAddress, isPublicAddress } from './public-address.ts'
import { resolveHost, type HostAddress } from './resolve-host.ts'

export type ResolveHost = (host: string) => Promise<HostAddress[]>

/** The host is, or leads to, no address that is allowed. */
export class PrivateAddressError extends Error {
  /** Whether it is refused also where private addresses are allowed. */
  readonly isNeverAllowed: boolean

  constructor(message: string, isNeverAllowed: boolean) {
    super(message)
    this.isNeverAllowed = isNeverAllowed
  }
}

/**
 * The host's addresses that may be connected to; the host as it stands in a URL, so an IPv6 address in brackets.
 *
 * @throws {PrivateAddressError} when there are addresses, and none is allowed
 * @throws {ResolveError}
 */
export async function findAllowedAddresses(
  host: string,
  options: { readonly allowPrivate: boolean; readonly resolve?: ResolveHost | undefined },
): Promise<HostAddress[]> {
  const { allowPrivate, resolve = resolveHost } = options
  const found = await resolve(host)
  const allowed = found.filter(({ address }) =>
    allowPrivate ? !isMetadataAddress(address) : isPublicAddress(address),
  )
  if (allowed.length > 0) return allowed
  const isAddress = isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0
  const what = isAddress
    ? `${host} is`
    : `${host} leads to ${found.map(({ address }) => address).join(', ')}, which is`
  throw new PrivateAddressError(
    allowPrivate ? `${what} link-local, or tells a cloud’s secrets.` : `${what} not public.`,
    allowPrivate,
  )
}

/** For a connection: the addresses that were looked at are those that are connected to, so a second answer can't differ. */
export function lookupOf(addresses: readonly HostAddress[]): LookupFunction {
  return (_host, options, callback) => {
    if (options.all) callback(null, [...addresses])
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  }
}
