/** One role as a child process: started, watched, started again after each death, drained, ended. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pauseBeforeRestart, sendSignal } from '../../kit/processes.ts'
import {
  DRAIN_TIMEOUT_MS,
  type FromRole,
  type FromSupervisor,
  type Question,
  type RoleName,
} from './protocol.ts'
import { startRun, type RoleRun, type RoleRunOptions, type RunEnd } from './role-run.ts'

export interface RoleProcessOptions extends RoleRunOptions {
  /** Whether it is started again when it died. @default true */
  readonly isRestarted?: boolean
  readonly onReady?: () => void
  /** It takes no further work: it ends in order, or it is dead. Follows each `onReady` once. */
  readonly onGone?: () => void
  /** It ended without having been ready, for this many times in a row. */
  readonly onFailedStart?: (count: number) => void
  readonly onMessage?: (message: FromRole) => void
  /** Also by a process that is being retired: it still answers people. */
  readonly onQuestion?: (question: Question) => Promise<unknown>
  /** What each new process is told before anything else. */
  readonly greeting?: () => readonly FromSupervisor[]
  /** Whether two processes of the role may work side by side while one takes over from the other. @default false */
  readonly canOverlap?: boolean
}

export type RoleState = 'starting' | 'ready' | 'draining' | 'waiting' | 'held' | 'stopped'

export interface RoleProcess {
  readonly role: RoleName
  readonly state: RoleState
  readonly pid: number | null
  /** How often it was started again after a death that nobody asked for. */
  readonly restartCount: number
  start(): void
  /** False when it can't be reached. */
  send(message: FromSupervisor): boolean
  /** Hands a paused connection over; false when it can't be reached. */
  take(connection: Socket): boolean
  /** Drains it and keeps it down. */
  hold(): Promise<void>
  /** Starts it again after `hold`, as soon as that has ended. False when it is not held. */
  release(): boolean
  /** Being replaced by a new process, in order. */
  readonly isBeingReplaced: boolean
  /**
   * Puts a new process in its place. Where both may work side by side, the new one takes over before the old one is
   * drained; else it begins when the old one has ended.
   *
   * @throws when it is not ready, or when the new one does not get ready: then the old one goes on where there is one.
   */
  replace(): Promise<void>
  /** Drains it for good; what is left after the time allowed is ended by force. */
  stop(): Promise<void>
  /** Ends it by force at once, and for good. */
  kill(): void
}

/** A process that lived this long was healthy: the next restart is immediate again. */
const HEALTHY_AFTER_MS = 10_000
const POLL_INTERVAL_MS = 25
const NOTICE_MS = 500
/** How long a new process may take until it is ready. */
const TAKE_OVER_TIMEOUT_MS = 60_000
/** Beyond what the role itself allows those who hold connections. */
const RETIRE_TIMEOUT_MS = DRAIN_TIMEOUT_MS + 5_000

/** A new process comes back step by step like any other; what holds it up for longer holds up the old one, too. */
const COMPLETE_GRACE_MS = 10_000

/** Who takes over from the present process. */
interface Successor {
  readonly run: RoleRun
  readonly ended: Promise<void>
  /** It has taken over. */
  readonly inPlace: PromiseWithResolvers<void>
  isReady: boolean
  isComplete: boolean
}

/** Prepares a role; `start` starts it. */
export const createRoleProcess = (options: RoleProcessOptions): RoleProcess => new SupervisedRole(options)

class SupervisedRole implements RoleProcess {
  readonly role: RoleName
  readonly #options: RoleProcessOptions
  #state: RoleState = 'stopped'
  #run: RoleRun | null = null
  #ended: Promise<void> = Promise.resolve()
  #isWanted = false
  /** `onReady` was told, and `onGone` was not since. */
  #isAnnounced = false
  #restartCount = 0
  /** Restarts in a row that led to nothing healthy. */
  #attempt = 0
  #failedStarts = 0
  #wakeUp = new AbortController()
  #successor: Successor | null = null
  /** It holds nothing back. */
  #isComplete = false
  #isBeingReplaced = false
  #isBeingHeld = false
  /** Asked for while it was still being held. */
  #isReleased = false
  /** They have handed over, and end. */
  readonly #retired = new Map<RoleRun, Promise<void>>()

  constructor(options: RoleProcessOptions) {
    this.role = options.role
    this.#options = options
  }

  get state(): RoleState {
    return this.#state
  }

  get pid(): number | null {
    return this.#run?.pid ?? null
  }

  get restartCount(): number {
    return this.#restartCount
  }

  start(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#attempt = 0
    this.#spawn()
  }

  send(message: FromSupervisor): boolean {
    return this.#run?.send(message) ?? false
  }

  take(connection: Socket): boolean {
    return this.#run?.take(connection) ?? false
  }

  async hold(): Promise<void> {
    this.#isBeingHeld = true
    this.#isReleased = false
    await this.#drain('held')
    this.#isBeingHeld = false
    if (this.#isReleased) this.release()
  }

  release(): boolean {
    if (this.#isBeingHeld) this.#isReleased = true
    else if (this.#state !== 'held') return false
    else this.start()
    return true
  }

  async stop(): Promise<void> {
    await this.#drain('stopped')
    await Promise.all(this.#retired.values())
  }

  kill(): void {
    this.#isWanted = false
    for (const run of [this.#run, this.#successor?.run, ...this.#retired.keys()]) run?.kill()
  }

  get isBeingReplaced(): boolean {
    return this.#isBeingReplaced
  }

  async replace(): Promise<void> {
    if (this.#isBeingReplaced) throw new Error('It is being replaced already.')
    if (this.#state !== 'ready') throw new Error(`It is ${this.#state}, so nothing can be handed over.`)
    this.#isBeingReplaced = true
    try {
      await (this.#options.canOverlap ? this.#replaceBeside() : this.#replaceAfter())
    } finally {
      this.#isBeingReplaced = false
    }
  }

  async #replaceAfter(): Promise<void> {
    // Others hear that it is about to go, and send nothing more to it.
    await sleep(NOTICE_MS)
    await this.#drain('held')
    this.release()
    const startedMs = performance.now()
    let readyMs = Infinity
    while (performance.now() - readyMs < COMPLETE_GRACE_MS) {
      const isReady = this.state === 'ready'
      if (isReady && this.#isComplete) return
      if (isReady) readyMs = Math.min(readyMs, performance.now())
      if (!this.#isWanted) throw new Error('It is being stopped.')
      if (!isReady && performance.now() - startedMs > TAKE_OVER_TIMEOUT_MS)
        throw new Error('The new process does not get ready.')
      await sleep(POLL_INTERVAL_MS)
    }
  }

  async #replaceBeside(): Promise<void> {
    const inPlace = Promise.withResolvers<void>()
    const { run, ended } = this.#begin()
    this.#successor = { run, ended, inPlace, isReady: false, isComplete: false }
    const timer = setTimeout(
      () => inPlace.reject(new Error('The new process does not get ready; the old one goes on.')),
      TAKE_OVER_TIMEOUT_MS,
    )
    try {
      await inPlace.promise
    } catch (error) {
      if (this.#successor?.run === run) {
        this.#successor = null
        run.kill()
      }
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Nobody is handed over to a process that still holds things back. */
  #hearSuccessor(successor: Successor, message: FromRole): void {
    if (message.type === 'complete') successor.isComplete = message.isComplete
    if (message.type === 'ready') {
      successor.isReady = true
      setTimeout(() => successor === this.#successor && this.#handOver(successor), COMPLETE_GRACE_MS).unref()
    }
    if (successor.isReady && successor.isComplete) this.#handOver(successor)
  }

  /** From here on the new process is the present one. */
  #handOver({ run, ended, inPlace, isComplete }: Successor): void {
    const old = this.#run!
    const oldEnded = this.#ended
    this.#run = run
    this.#ended = ended
    this.#isComplete = isComplete
    this.#successor = null
    this.#retire(old, oldEnded)
    inPlace.resolve()
  }

  #retire(run: RoleRun, ended: Promise<void>): void {
    this.#retired.set(run, ended)
    run.send({ type: 'retire' })
    const force = setTimeout(() => {
      this.#options.log.warn({ child: this.role, pid: run.pid }, 'role.retire-timeout')
      run.kill()
    }, RETIRE_TIMEOUT_MS)
    void ended.then(() => {
      clearTimeout(force)
      this.#retired.delete(run)
    })
  }

  #spawn(): void {
    this.#state = 'starting'
    this.#isComplete = false
    const { run, ended } = this.#begin()
    this.#run = run
    this.#ended = ended
  }

  #begin(): { run: RoleRun; ended: Promise<void> } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const run: RoleRun = startRun(this.#options, {
      onMessage: (message) => {
        if (message.type === 'ask') void this.#answer(run, message.id, message.question)
        else if (run === this.#run) this.#receive(message)
        else if (run === this.#successor?.run) this.#hearSuccessor(this.#successor, message)
      },
      onEnd: (end) => {
        resolve()
        this.#noteEndOf(run, end)
      },
    })
    for (const message of this.#options.greeting?.() ?? []) run.send(message)
    return { run, ended: promise }
  }

  async #answer(run: RoleRun, id: number, question: Question): Promise<void> {
    try {
      run.send({ type: 'answer', id, answer: await this.#options.onQuestion?.(question) })
    } catch (error) {
      run.send({ type: 'no-answer', id, reason: (error as Error).message })
    }
  }

  #noteEndOf(run: RoleRun, end: RunEnd): void {
    if (this.#retired.has(run)) {
      this.#options.log.info({ child: this.role, ...end }, 'role.retired')
      return
    }
    if (run === this.#successor?.run) {
      this.#successor.inPlace.reject(
        new Error('The new process ended before it was ready; the old one goes on.'),
      )
      this.#successor = null
      return
    }
    if (run !== this.#run) return
    this.#run = null
    this.#noteEnd(end)
    if (!this.#isWanted || this.#options.isRestarted === false) return
    if (this.#successor) this.#promote(this.#successor)
    else void this.#restart(end.livedMs)
  }

  /** The old process died while the new one was starting: there is nothing to hand over. */
  #promote({ run, ended, inPlace }: Successor): void {
    this.#state = 'starting'
    this.#run = run
    this.#ended = ended
    this.#successor = null
    inPlace.reject(new Error('The old process died meanwhile; the new one is starting.'))
  }

  #receive(message: FromRole): void {
    if (message.type === 'ready') {
      this.#state = 'ready'
      this.#failedStarts = 0
      this.#isAnnounced = true
      this.#options.onReady?.()
    } else if (message.type === 'draining') this.#setGone('draining')
    else if (message.type === 'complete') this.#isComplete = message.isComplete
    this.#options.onMessage?.(message)
  }

  #setGone(next: RoleState): void {
    this.#state = next
    if (!this.#isAnnounced) return
    this.#isAnnounced = false
    this.#options.onGone?.()
  }

  #noteEnd({ code, signal, livedMs }: RunEnd): void {
    const isExpected = !this.#isWanted
    this.#options.log[isExpected ? 'info' : 'error'](
      { child: this.role, code, signal, livedMs: Math.round(livedMs) },
      'role.ended',
    )
    if (this.#state === 'starting' && !isExpected) this.#options.onFailedStart?.(++this.#failedStarts)
    this.#setGone(isExpected ? 'stopped' : 'waiting')
  }

  async #restart(livedMs: number): Promise<void> {
    if (livedMs >= HEALTHY_AFTER_MS) this.#attempt = 0
    await pauseBeforeRestart(this.#attempt++, this.#wakeUp.signal)
    if (!this.#isWanted || this.#run) return
    this.#restartCount++
    this.#spawn()
  }

  async #drain(final: RoleState): Promise<void> {
    this.#isWanted = false
    this.#wakeUp.abort()
    this.#wakeUp = new AbortController()
    this.#successor?.inPlace.reject(new Error('It is being stopped.'))
    const run = this.#run
    if (run?.pid) {
      this.#setGone('draining')
      sendSignal(run.pid, 'SIGTERM')
      const force = setTimeout(() => {
        this.#options.log.warn(
          { child: this.role, pid: run.pid, timeoutMs: DRAIN_TIMEOUT_MS },
          'role.drain-timeout',
        )
        run.kill()
      }, DRAIN_TIMEOUT_MS)
      await this.#ended
      clearTimeout(force)
    }
    this.#state = final
  }
}
