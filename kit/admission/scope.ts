/** What the work of one request carries along: its class, its deadline, and whether anybody still waits for it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PriorityClass, Ticket } from './core/index.ts'
import type { Door } from './door.ts'

/** Made for each request, so it does as little as it can: the signal is made when somebody asks for it. */
export class Scope {
  readonly class: PriorityClass
  /** By `performance.now()`; Infinity: none. */
  readonly deadlineMs: number
  /** What is done for this request is done for it alone, and may be given up with it. */
  readonly isOwnWork: boolean
  /** Its place at the door of the process; null: it holds none. */
  place: { readonly door: Door; readonly ticket: Ticket } | null = null
  /** The door behind which something was done for it last. */
  begunAt: Door | null = null
  #controller: AbortController | null = null
  #isGone = false

  constructor(priorityClass: PriorityClass, deadlineMs: number, isOwnWork: boolean) {
    this.class = priorityClass
    this.deadlineMs = deadlineMs
    this.isOwnWork = isOwnWork
  }

  /** Aborted when the client has gone away before its answer. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#isGone) this.#controller.abort(new ClientGoneError())
    }
    return this.#controller.signal
  }

  /** It waits behind another door, and holds no place meanwhile. */
  stepAway(): void {
    this.place?.door.stepAway(this.place.ticket)
  }

  stepBack(): void {
    this.place?.door.stepBack(this.place.ticket)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** The client has gone away. */
  giveUp(): void {
    this.#isGone = true
    this.#controller?.abort(new ClientGoneError())
  }
}

/** Nobody waits for the answer any more. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
  constructor() {
    super('The client has gone away.')
  }
}

const scopes = new AsyncLocalStorage<Scope | null>()

/** The scope of the request for which this runs; null outside of any. */
export const currentScope = (): Scope | null => scopes.getStore() ?? null

/** Runs `work` in the scope of a request. */
export const inScopeOf = <T>(scope: Scope | null, work: () => T): T => scopes.run(scope, work)
