/** Finds a port to listen on that stays free while its owner restarts. */
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'

const LOWEST_PORT = 10_000
const DEFAULT_EPHEMERAL_START = 32_768
const ATTEMPTS = 50

/**
 * A free port on `host`, below the range that the kernel gives to outgoing connections: a port of that range can be
 * taken in the moment between a crash and the restart, even by a client that keeps calling the very port.
 */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '')
  const ephemeralStart = Number.parseInt(range, 10) || DEFAULT_EPHEMERAL_START
  if (ephemeralStart > LOWEST_PORT) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const port = randomInt(LOWEST_PORT, ephemeralStart)
      if (await isPortFree(port, host)) return port
    }
  }
  return bindOnce(0, host)
}

/** Whether `port` could be listened on just now. */
export const isPortFree = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  bindOnce(port, host).then(
    () => true,
    () => false,
  )

function bindOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      const bound = (server.address() as { port: number }).port
      server.close(() => resolve(bound))
    })
  })
}
