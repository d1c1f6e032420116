/** Which addresses lie on the public Internet. Whoever fetches what others name asks here first. */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Ranges that are not globally reachable (IANA special-purpose registries, RFC 6890), and multicast. */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Within `2000::/3`, outside of which nothing is assigned as global unicast (RFC 4291, 2.4). */
const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
]

/**
 * Where clouds tell a machine its own secrets: link-local, but for Azure's, Alibaba's, Oracle's, and Amazon's and Google's by
 * IPv6. Azure's lies in public space.
 */
const METADATA: readonly (readonly [string, number])[] = [
  ['169.254.0.0', 16],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
]

const metadata = new BlockList()
for (const [network, prefix] of METADATA)
  metadata.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4')
const special = new BlockList()
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, 'ipv6')

/** False for private, local, reserved and multicast addresses, for IPv4 ones of that kind within IPv6, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  const bare = address.split('%', 1)[0]!
  if (isIP(bare) === 0 || isMetadataAddress(bare)) return false
  if (!isIPv6(bare)) return !special.check(bare, 'ipv4')
  const inner = embeddedIpv4(bare)
  if (inner !== null) return !special.check(inner, 'ipv4')
  return globalUnicast.check(bare, 'ipv6') && !special.check(bare, 'ipv6')
}

/** Link-local addresses and those at which clouds hand out secrets, also within IPv6: nobody means these, whatever is allowed. */
export function isMetadataAddress(address: string): boolean {
  const bare = address.split('%', 1)[0]!
  if (isIP(bare) === 0) return false
  if (!isIPv6(bare)) return metadata.check(bare, 'ipv4')
  const inner = embeddedIpv4(bare)
  return inner === null ? metadata.check(bare, 'ipv6') : metadata.check(inner, 'ipv4')
}

/** The IPv4 address within a mapped (`::ffff:`), compatible (`::`), 6to4 (`2002:`) or NAT64 (`64:ff9b::`) one. */
function embeddedIpv4(address: string): string | null {
  const words = expandIpv6(address)
  const dotted = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  const isZero = (from: number, to: number) => words.slice(from, to).every((word) => word === 0)
  if (isZero(0, 5) && (words[5] === 0xffff || words[5] === 0)) return dotted(words[6]!, words[7]!)
  if (words[0] === 0x64 && words[1] === 0xff9b && isZero(2, 6)) return dotted(words[6]!, words[7]!)
  if (words[0] === 0x2002) return dotted(words[1]!, words[2]!)
  return null
}

/** The eight words of an IPv6 address, dotted ends included. */
function expandIpv6(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number]
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head, tail] = hex.split('::') as [string, string?]
  const read = (part: string | undefined) =>
    (part ?? '')
      .split(':')
      .filter(Boolean)
      .map((word) => Number.parseInt(word, 16))
  const [before, after] = [read(head), read(tail)]
  return tail === undefined
    ? before
    : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
