/** How many connections an address and its network may hold at once: counted when they come, before a byte is read. */
import type { Socket } from 'node:net'
import { prefixesOf } from '../../../kit/network/prefixes.ts'

export interface ConnectionLimits {
  readonly perAddress: number
  readonly perNetwork: number
}

export interface ConnectionCounts {
  /** False: there are too many from there, and this one is closed. */
  admit(socket: Socket): boolean
  readonly open: () => number
  readonly refused: () => number
}

/** Keeps a number for each address and network that has a connection open, and nothing of any other. */
export function countConnections(
  { perAddress, perNetwork }: ConnectionLimits,
  isUncounted: (address: string) => boolean,
): ConnectionCounts {
  const counts = new Map<string, number>()
  let [open, refused] = [0, 0]
  const add = (key: string, by: 1 | -1) => {
    const count = (counts.get(key) ?? 0) + by
    if (count > 0) counts.set(key, count)
    else counts.delete(key)
  }
  return {
    admit(socket) {
      const address = socket.remoteAddress
      // It has gone already.
      if (address === undefined || isUncounted(address)) return true
      const { line, site } = prefixesOf(address)
      if ((counts.get(line) ?? 0) >= perAddress || (counts.get(site) ?? 0) >= perNetwork) {
        refused += 1
        socket.destroy()
        return false
      }
      open += 1
      add(line, 1)
      add(site, 1)
      socket.once('close', () => {
        open -= 1
        add(line, -1)
        add(site, -1)
      })
      return true
    },
    open: () => open,
    refused: () => refused,
  }
}
