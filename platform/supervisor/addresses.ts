/** Under which addresses a machine's Upbeat is reached, from this machine and from others. */
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

const ALL_INTERFACES = new Set(['0.0.0.0', '::', ''])
const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')
const inUrl = (host: string) => (isIPv6(host) ? `[${host}]` : host)

/** Where programs and browsers of this machine reach what listens there. */
export function localUrlOf(host: string, port: number): string {
  const isLocalhost = ALL_INTERFACES.has(host) || host === '127.0.0.1' || host === 'localhost'
  return `http://${isLocalhost ? 'localhost' : inUrl(host)}:${port}`
}

/** What to tell who started it about others that can reach it; null: nobody but this machine can. */
export function describeReach(host: string, port: number, interfaces = networkInterfaces()): string | null {
  if (isLoopback(host)) return null
  if (!ALL_INTERFACES.has(host))
    return `  Others in its network reach it too: http://${inUrl(host)}:${port}. This machine alone: --host 127.0.0.1`
  const lan = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  const where = lan ? `: http://${lan}:${port}` : ''
  return `  It listens on all addresses of this machine, so others in its network reach it too${where}. This machine alone: --host 127.0.0.1`
}
