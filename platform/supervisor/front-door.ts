/**
 * The public listening socket. It outlives every role: each accepted connection is handed to a living api process, in
 * turns; while there is none, connections wait.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { refuseConnection, type RefusalOptions } from './refusal.ts'

/** Something that takes connections over: an api process. */
export interface ConnectionTaker {
  /** Hands the connection over; false when it could not be given any more. */
  take(connection: Socket): boolean
}

export interface FrontDoorOptions extends RefusalOptions {
  readonly host: string
  readonly port: number
  /** Connections that may wait for an api process. @default 1024 */
  readonly maxWaiting?: number
  /** How long one waits before it is told so. @default 10000 */
  readonly maxWaitMs?: number
  /** Whether connections from there are taken at all. @default all are */
  readonly admits?: (address: string | undefined) => boolean
}

/** Says which arm a connection is for; takers that were added for none are for `present`. */
export type ChooseArm = (connection: Socket) => string

export const PRESENT = 'present'

export interface FrontDoor extends AsyncDisposable {
  /** The port bound; of interest when 0 was asked for. */
  readonly port: number
  readonly waitingCount: number
  /** Gives connections to this taker too, beginning with those that wait. @param arm `PRESENT` by default */
  addTaker(taker: ConnectionTaker, arm?: string): void
  removeTaker(taker: ConnectionTaker): void
  /** Has each new connection's arm chosen; null: all are for `PRESENT`. An arm that nobody serves is served by any other. */
  splitBy(choose: ChooseArm | null): void
  /** Takes a connection back that a taker could not take, unread, and gives it to another. */
  receive(connection: Socket): void
  /** Stops listening; who waits is told that the server stops. */
  close(): Promise<void>
}

/** The port can't be listened on. */
export class PortUnavailableError extends Error {}

/**
 * Opens the door.
 *
 * @throws {PortUnavailableError} saying why, and what to do.
 */
export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const { maxWaiting = 1_024, maxWaitMs = 10_000, admits } = options
  const takers = createTurns()
  let choose: ChooseArm | null = null
  const refuse = (connection: Socket, detail: string) => refuseConnection(connection, detail, options)
  const waiting = createWaitingRoom(
    maxWaitMs,
    (connection) => void refuse(connection, 'The part of the server that answers is being started again.'),
  )
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (connection) => {
    // Without a listener, a reset would end the process.
    connection.on('error', () => {})
    // A reset costs least, here and there: nothing is kept of the connection.
    if (admits && !admits(connection.remoteAddress)) return void connection.resetAndDestroy()
    receive(connection)
  })

  function receive(connection: Socket): void {
    if (!server.listening) void refuse(connection, 'The server is being stopped.')
    else if (takers.handOver(connection, choose?.(connection) ?? PRESENT)) return
    else if (waiting.size >= maxWaiting) void refuse(connection, 'All places in the queue are taken.')
    else waiting.add(connection)
  }

  async function close(): Promise<void> {
    // Not awaited: it would wait for connections that live on in the api processes.
    if (server.listening) server.close()
    await Promise.all(waiting.takeAll().map((one) => refuse(one, 'The server is being stopped.')))
  }

  await listen(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    get waitingCount() {
      return waiting.size
    },
    addTaker(taker, arm = PRESENT) {
      takers.add(taker, arm)
      for (const connection of waiting.takeAll()) receive(connection)
    },
    removeTaker: (taker) => takers.remove(taker),
    splitBy(by) {
      choose = by
    },
    receive,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Those who take connections over, each in its turn within its arm. */
function createTurns() {
  const takers: { readonly taker: ConnectionTaker; readonly arm: string }[] = []
  function tryEach(connection: Socket, isMeant: (arm: string) => boolean): boolean {
    for (const one of takers.filter(({ arm }) => isMeant(arm))) {
      takers.splice(takers.indexOf(one), 1)
      takers.push(one)
      if (one.taker.take(connection)) return true
    }
    return false
  }
  return {
    add: (taker: ConnectionTaker, arm: string) => void takers.push({ taker, arm }),
    remove(taker: ConnectionTaker): void {
      const index = takers.findIndex((one) => one.taker === taker)
      if (index >= 0) takers.splice(index, 1)
    },
    /** False: nobody could take it. */
    handOver: (connection: Socket, wanted: string): boolean =>
      tryEach(connection, (arm) => arm === wanted) || tryEach(connection, (arm) => arm !== wanted),
  }
}

/** Connections that nobody takes at the moment, each for so long at most. */
function createWaitingRoom(maxWaitMs: number, onTooLong: (connection: Socket) => void) {
  const waiting = new Map<Socket, NodeJS.Timeout>()
  return {
    get size() {
      return waiting.size
    },
    add(connection: Socket): void {
      const timer = setTimeout(() => {
        waiting.delete(connection)
        onTooLong(connection)
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
