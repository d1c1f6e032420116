/**
 * Gives connections to a process, a few at a time: it takes one in each turn of its event loop, and all else that it is told
 * waits behind those that are on their way. The others wait here, in three lines.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Standing } from '../app/abuse/standings.ts'
import type { FromRole, FromSupervisor } from './protocol.ts'
import { createWaitingLines } from './waiting-lines.ts'

export interface HandOverOptions {
  /** A connection comes back unread: the process died before it could take it. */
  readonly onReturned: (connection: Socket) => void
  /** Who comes from there. @default strangers alone */
  readonly standingOf?: (address: string | undefined) => Standing
}

/** On their way: enough that the process never waits for the next. */
const UNTAKEN_MAX = 8
const WAITING_MAX = 1_024
/** How long what a dead process had said may take to be read. */
const LAST_WORDS_MS = 200

/**
 * Our own end of each connection stays open until the process says that it has taken it; what was not taken comes back
 * when the process is gone.
 */
export function createHandOver(
  process: ChildProcess,
  { onReturned, standingOf = () => 'stranger' }: HandOverOptions,
): (connection: Socket) => void {
  const given = new Map<number, Socket>()
  const waiting = createWaitingLines<Socket>(WAITING_MAX)
  let lastId = 0

  function giveNext(): void {
    const nowMs = performance.now()
    while (given.size < UNTAKEN_MAX) {
      const next = waiting.next(nowMs)
      if (!next) return
      given.set(++lastId, next.one)
      const message: FromSupervisor = { type: 'connection', id: lastId, waitedMs: Math.round(next.waitedMs) }
      process.send(message, next.one, { keepOpen: true }, () => {})
    }
  }
  process.on('message', (message: FromRole) => {
    if (message.type !== 'taken') return
    // Closes our end only: the connection lives on in the process that holds the other one.
    given.get(message.id)?.destroy()
    given.delete(message.id)
    giveNext()
  })
  const giveBack = () => {
    const all = [...given.values(), ...waiting.takeAll()]
    given.clear()
    for (const connection of all) onReturned(connection)
  }
  // It follows the last message that the process had sent, but is not always emitted when a connection was on its way.
  process.once('disconnect', giveBack)
  process.once('exit', () => setTimeout(giveBack, LAST_WORDS_MS))
  return (connection) => {
    waiting.add(connection, standingOf(connection.remoteAddress), performance.now())?.resetAndDestroy()
    giveNext()
  }
}
