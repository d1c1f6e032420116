/** Work on one dependency behind a door of its own: as much at once as it takes well, the most important first. */
import { retryAfterS, Ticket, type PriorityClass, type Refusal } from './core/index.ts'
import type { Door } from './door.ts'
import { ClientGoneError, currentScope, type Scope } from './scope.ts'

/** The dependency has more to do than it can, or is not answering. */
export class NotAdmittedError extends Error {
  override readonly name = 'NotAdmittedError'
  /** The name of the door. */
  readonly at: string
  readonly class: PriorityClass
  readonly refusal: Refusal
  readonly retryAfterS: number

  constructor(at: string, priorityClass: PriorityClass, refusal: Refusal) {
    super(`The ${at} takes no more work of class P${priorityClass} now (${refusal}).`)
    this.at = at
    this.class = priorityClass
    this.refusal = refusal
    this.retryAfterS = retryAfterS(priorityClass, Math.random)
  }
}

/** Work outside of any request (jobs, upkeep) comes after what people wait for, and is not turned away. */
const OUTSIDE_CLASS = 2

export type Entered = (error: Error | null, leave: () => void) => void

/**
 * Asks for a place and calls back, at once where there is one; `leave` gives it back, once.
 *
 * Class, deadline and, for a request's own work, its client's patience come from the scope that this is called in.
 */
export function enterDoor(door: Door, entered: Entered, scope: Scope | null = currentScope()): void {
  const ticket = new Ticket(
    scope?.class ?? OUTSIDE_CLASS,
    0,
    scope?.place?.ticket.person ?? 0,
    scope?.isOwnWork ? scope.deadlineMs : Infinity,
  )
  // Behind the network of a stranger there are as many here as at the door of the process.
  ticket.persons = scope?.place?.ticket.persons ?? 1
  ticket.isPatient = scope === null
  ticket.isBegun = scope?.begunAt === door
  door.enter(ticket)
  if (ticket.state === 'refused') return entered(refusalAt(door, ticket), () => {})
  scope?.stepAway()
  let isAway = true
  const comeBack = () => {
    if (isAway) scope?.stepBack()
    isAway = false
  }
  const leave = () => {
    if (scope) scope.begunAt = door
    door.leave(ticket)
    comeBack()
  }
  if (ticket.state === 'admitted') return entered(null, leave)
  const signal = scope?.isOwnWork ? scope.signal : null
  const giveUp = () => {
    leave()
    entered(new ClientGoneError(), leave)
  }
  signal?.addEventListener('abort', giveUp, { once: true })
  ticket.onTurn = () => {
    signal?.removeEventListener('abort', giveUp)
    if (ticket.state === 'admitted') return entered(null, leave)
    comeBack()
    entered(refusalAt(door, ticket), leave)
  }
}

const refusalAt = (door: Door, ticket: Ticket) =>
  new NotAdmittedError(door.name, ticket.class, ticket.refusal ?? 'full')

/** Does the work behind the door. @throws {NotAdmittedError} {ClientGoneError} */
export function runBehind<T>(door: Door, work: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    enterDoor(door, (error, leave) => {
      if (error) return reject(error)
      // Also what throws before it has begun leaves.
      const done = (async () => work())()
      done.finally(leave).then(resolve, reject)
    })
  })
}
