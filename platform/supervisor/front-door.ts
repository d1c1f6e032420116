/**
 * The public listening socket. It outlives every role: each accepted connection is handed to a living api process, in
 * turns; while there is none, connections wait.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { Problem } from '../../contract/problem.ts'
import { toProblemBody } from '../../kit/problem-details.ts'
import { AppError } from '../app/errors.ts'

/** Something that takes connections over: an api process. */
export interface ConnectionTaker {
  /** Hands the connection over; false when it could not be given any more. */
  take(connection: Socket): boolean
}

export interface FrontDoorOptions {
  readonly host: string
  readonly port: number
  /** Connections that may wait for an api process. @default 1024 */
  readonly maxWaiting?: number
  /** How long one waits before it is told so. @default 10000 */
  readonly maxWaitMs?: number
}

export interface FrontDoor extends AsyncDisposable {
  /** The port bound; of interest when 0 was asked for. */
  readonly port: number
  readonly waitingCount: number
  /** Gives connections to this taker too, beginning with those that wait. */
  addTaker(taker: ConnectionTaker): void
  removeTaker(taker: ConnectionTaker): void
  /** Takes a connection back that a taker could not take, unread, and gives it to another. */
  receive(connection: Socket): void
  /** Stops listening; who waits is told that the server stops. */
  close(): Promise<void>
}

/** The port can't be listened on. */
export class PortUnavailableError extends Error {}

const RETRY_AFTER_S = 5
/** How long a refused client may take to read its answer. */
const FAREWELL_MS = 2_000

/**
 * Opens the door.
 *
 * @throws {PortUnavailableError} saying why, and what to do.
 */
export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const { maxWaiting = 1_024, maxWaitMs = 10_000 } = options
  const takers = createTurns()
  const waiting = createWaitingRoom(maxWaitMs)
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (connection) => {
    // Without a listener, a reset would end the process.
    connection.on('error', () => {})
    receive(connection)
  })

  function receive(connection: Socket): void {
    if (!server.listening) return refuse(connection, 'The server is being stopped.')
    if (takers.handOver(connection)) return
    if (waiting.size >= maxWaiting) return refuse(connection, 'All places in the queue are taken.')
    waiting.add(connection)
  }

  async function close(): Promise<void> {
    // Not awaited: it would wait for connections that live on in the api processes.
    if (server.listening) server.close()
    for (const connection of waiting.takeAll()) refuse(connection, 'The server is being stopped.')
  }

  await listen(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    get waitingCount() {
      return waiting.size
    },
    addTaker(taker) {
      takers.add(taker)
      for (const connection of waiting.takeAll()) receive(connection)
    },
    removeTaker: (taker) => takers.remove(taker),
    receive,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Those who take connections over, each in its turn. */
function createTurns() {
  const takers: ConnectionTaker[] = []
  return {
    add: (taker: ConnectionTaker) => void takers.push(taker),
    remove(taker: ConnectionTaker): void {
      const index = takers.indexOf(taker)
      if (index >= 0) takers.splice(index, 1)
    },
    /** False: nobody could take it. */
    handOver(connection: Socket): boolean {
      for (let tried = 0; tried < takers.length; tried++) {
        const taker = takers.shift()!
        takers.push(taker)
        if (taker.take(connection)) return true
      }
      return false
    },
  }
}

/** Connections that nobody takes at the moment; who has waited for so long is told why. */
function createWaitingRoom(maxWaitMs: number) {
  const waiting = new Map<Socket, NodeJS.Timeout>()
  return {
    get size() {
      return waiting.size
    },
    add(connection: Socket): void {
      const timer = setTimeout(() => {
        waiting.delete(connection)
        refuse(connection, 'The part of the server that answers is being started again.')
      }, maxWaitMs)
      waiting.set(connection, timer)
    },
    /** Those who came first first. */
    takeAll(): Socket[] {
      const connections = [...waiting.keys()]
      for (const timer of waiting.values()) clearTimeout(timer)
      waiting.clear()
      return connections
    },
  }
}

function listen(server: Server, { host, port }: FrontDoorOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(explain(cause, host, port)))
    server.listen({ host, port, backlog: 4_096 }, () => resolve())
  })
}

function explain(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is used by another program. Choose another one: ./up --port ${port + 1}`,
    EACCES: `Port ${port} may be opened by root only. Choose one from 1024 upwards: ./up --port 8080`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Give one of its own by --host (HOST), or leave it out.`,
    ENOTFOUND: `${host} is no address. Give one of this machine's own by --host (HOST), or leave it out.`,
  }
  const reason = reasons[cause.code ?? '']
  return reason ? new PortUnavailableError(reason, { cause }) : cause
}

/** Answers 503 by hand: nobody who speaks HTTP is alive to do it. */
function refuse(connection: Socket, detail: string): void {
  const problem: Problem = toProblemBody(new AppError('busy', { detail, retryAfterS: RETRY_AFTER_S }))
  const body = JSON.stringify(problem)
  // Reading what the client sent keeps the kernel from answering the unread rest with a reset, which would
  // take our answer from the client's buffer.
  connection.resume()
  connection.end(
    [
      'HTTP/1.1 503 Service Unavailable',
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `retry-after: ${RETRY_AFTER_S}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
  setTimeout(() => connection.destroy(), FAREWELL_MS).unref()
}
