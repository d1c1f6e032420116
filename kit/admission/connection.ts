/**
 * One request of a connection after the other. HTTP/1.1 lets a client send the next request before it has the answer to the
 * one before (RFC 9112, 9.3.2), and its answer waits for that one to be through: behind one that lasts, each such request
 * would hold a place for as long, and one connection all places. It also would make many askers look like one.
 */
import type { Socket } from 'node:net'
import { createAsker, type Asker } from './core/index.ts'

/** Sent ahead and kept in memory; no browser and no proxy in use sends any. */
export const SENT_AHEAD_MAX = 32

export interface Connection {
  readonly asker: Asker
  /** One of its requests is being dealt with. */
  isBusy: boolean
  /** What begins each of those that were sent ahead. */
  sentAhead: (() => void)[] | null
}

/** On the connection itself: looked up with each request. */
const CONNECTION = Symbol('admission.connection')

export const connectionOf = (socket: Socket & { [CONNECTION]?: Connection }): Connection =>
  (socket[CONNECTION] ??= { asker: createAsker(), isBusy: false, sentAhead: null })

/** Begins a request now, or when those before it are through; who sends more ahead than may be kept loses the connection. */
export function takeTurn(connection: Connection, socket: Socket, begin: () => void): void {
  if (!connection.isBusy) {
    connection.isBusy = true
    return begin()
  }
  connection.sentAhead ??= []
  if (connection.sentAhead.length >= SENT_AHEAD_MAX) socket.destroy()
  else connection.sentAhead.push(begin)
}

/** A request is through. */
export function endTurn(connection: Connection, socket: Socket): void {
  if (socket.destroyed) connection.sentAhead = null
  const next = connection.sentAhead?.shift()
  if (next) next()
  else connection.isBusy = false
}
