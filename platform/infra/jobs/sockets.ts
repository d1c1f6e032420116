/**
 * The sockets under pg-boss: it listens over a connection that it makes by itself, past the guard, and says goodbye to the
 * server when it closes. A server that is silent never answers that, so somebody has to be able to cut the line.
 */
import { Socket } from 'node:net'

export interface Sockets {
  /** For pg's option `stream`. */
  make(): Socket
  /** Cuts them all. Whoever waits for an end over them is told of it. */
  destroyAll(): void
}

export function trackSockets(): Sockets {
  const open = new Set<Socket>()
  return {
    make() {
      const socket = new Socket()
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    },
    // Without an error: pg would pass that on to listeners that pg-boss has taken away by then.
    destroyAll: () => open.forEach((socket) => socket.destroy()),
  }
}
