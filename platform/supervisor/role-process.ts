/** One role as a child process: started, watched, started again after each death, drained, ended. */
import type { Socket } from 'node:net'
import { pauseBeforeRestart, sendSignal } from '../../kit/processes.ts'
import { DRAIN_TIMEOUT_MS, type FromRole, type FromSupervisor, type RoleName } from './protocol.ts'
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
  /** Starts it again after `hold`. */
  release(): void
  /** Drains it for good; what is left after the time allowed is ended by force. */
  stop(): Promise<void>
  /** Ends it by force at once, and for good. */
  kill(): void
}

/** A process that lived this long was healthy: the next restart is immediate again. */
const HEALTHY_AFTER_MS = 10_000

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

  hold(): Promise<void> {
    return this.#drain('held')
  }

  release(): void {
    if (this.#state === 'held') this.start()
  }

  stop(): Promise<void> {
    return this.#drain('stopped')
  }

  kill(): void {
    this.#isWanted = false
    this.#run?.kill()
  }

  #spawn(): void {
    this.#state = 'starting'
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = promise
    const run: RoleRun = startRun(this.#options, {
      onMessage: (message) => {
        if (run === this.#run) this.#receive(message)
      },
      onEnd: (end) => {
        if (run === this.#run) this.#run = null
        this.#noteEnd(end)
        resolve()
        if (this.#isWanted && this.#options.isRestarted !== false) void this.#restart(end.livedMs)
      },
    })
    this.#run = run
  }

  #receive(message: FromRole): void {
    if (message.type === 'ready') {
      this.#state = 'ready'
      this.#failedStarts = 0
      this.#isAnnounced = true
      this.#options.onReady?.()
    } else if (message.type === 'draining') this.#setGone('draining')
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
