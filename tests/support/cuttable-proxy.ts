/** A TCP proxy in front of a server, by which a test takes the server away and gives it back. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CuttableProxy extends AsyncDisposable {
  /** The server's address, by way of the proxy. */
  readonly url: string
  /** Breaks all connections and refuses new ones. */
  cut(): void
  /** Keeps connections open, and carries nothing any more. */
  freeze(): void
}

/** Opens a proxy to the host and port of a URL. */
export async function openCuttableProxy(target: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let isFrozen = false
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    if (isFrozen) socket.pause()
  }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    track(near)
    track(far)
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    if (isFrozen) freeze()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  function cut() {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  function freeze() {
    isFrozen = true
    for (const socket of sockets) socket.unpipe().pause()
  }
  return {
    url: url.href,
    cut,
    freeze,
    async [Symbol.asyncDispose]() {
      const closed = server.listening ? once(server, 'close') : null
      cut()
      await closed
    },
  }
}
