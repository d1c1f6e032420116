/** One role as a child process: started, watched, started again after each death, drained, ended. */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Log } from '../../kit/log.ts'
import { pauseBeforeRestart, sendSignal } from '../../kit/processes.ts'
import { DRAIN_TIMEOUT_MS, type FromRole, type FromSupervisor, type RoleName } from './protocol.ts'

export interface RoleProcessOptions {
  readonly role: RoleName
  /** The program, which gets the role's name as its one argument. */
  readonly program: string
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  /** One line that the role wrote, as it was written. */
  readonly onOutput: (line: string) => void
  /** Called with each new process, before it runs a line of ours. */
  readonly onSpawn?: (pid: number) => void
  readonly onReady?: () => void
  /** It takes no further work: it ends in order, or it is dead. Follows each `onReady` once. */
  readonly onGone?: () => void
  /** It ended without having been ready, for this many times in a row. */
  readonly onFailedStart?: (count: number) => void
  readonly onMessage?: (message: FromRole) => void
  /** A connection that it was given comes back unread: it died before it could take it. */
  readonly onReturned?: (connection: Socket) => void
  /** @default 2000 */
  readonly pingIntervalMs?: number
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

/**
 * Roles that move videos make much short-lived memory beside the heap, which is freed when the heap's young half is
 * cleared: a small one is cleared often. Measured with 107 MB at 90 MB/s: 180 MB at most instead of 230.
 */
const FEW_BYTES = ['--max-semi-space-size=2']
const NODE_OPTIONS_OF: Record<RoleName, string[]> = { api: [], ingest: FEW_BYTES, worker: FEW_BYTES }

/** A process that lived this long was healthy: the next restart is immediate again. */
const HEALTHY_AFTER_MS = 10_000
/** Pings without an answer after which it counts as stuck. Counted, not timed, so that a machine may sleep. */
const MAX_UNANSWERED_PINGS = 10
/** How long what a dead process had said may take to be read. */
const LAST_WORDS_MS = 200

/** Prepares a role; `start` starts it. */
export function createRoleProcess(options: RoleProcessOptions): RoleProcess {
  const { role, log } = options
  let state: RoleState = 'stopped'
  let child: ChildProcess | null = null
  let ended: Promise<void> = Promise.resolve()
  let restartCount = 0
  let attempt = 0
  let wanted = false
  let isAnnounced = false
  let failedStarts = 0
  let wakeUp = new AbortController()
  let give: ((connection: Socket) => void) | null = null

  function setGone(next: RoleState): void {
    state = next
    if (!isAnnounced) return
    isAnnounced = false
    options.onGone?.()
  }

  function spawn(): void {
    state = 'starting'
    const startedAtMs = performance.now()
    const process = fork(options.program, [role], {
      env: options.env,
      execArgv: NODE_OPTIONS_OF[role],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: Ctrl-C reaches us only, and its ffmpeg children end with it.
      detached: true,
    })
    child = process
    if (process.pid) options.onSpawn?.(process.pid)
    for (const stream of [process.stdout!, process.stderr!]) splitLines(stream, options.onOutput)
    const stopPinging = ping(process, options)
    give = createHandOver(process, options)
    process.on('message', (message: FromRole) => receive(process, message))
    process.on('error', (error) => log.error({ err: error, child: role }, 'role.error'))
    ended = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        stopPinging()
        if (process.pid) endGroup(process.pid)
        if (child === process) child = null
        const livedMs = performance.now() - startedAtMs
        const isExpected = !wanted
        log[isExpected ? 'info' : 'error'](
          { child: role, code, signal, livedMs: Math.round(livedMs) },
          'role.ended',
        )
        if (state === 'starting' && !isExpected) options.onFailedStart?.(++failedStarts)
        setGone(isExpected ? 'stopped' : 'waiting')
        resolve()
        if (wanted) void restart(livedMs)
      }
      process.once('exit', finish)
      // A process that could not even be made has no exit.
      process.once('error', () => process.pid === undefined && finish(null, null))
    })
  }

  function receive(from: ChildProcess, message: FromRole): void {
    if (from !== child) return
    if (message.type === 'ready') {
      state = 'ready'
      failedStarts = 0
      isAnnounced = true
      options.onReady?.()
    } else if (message.type === 'draining') setGone('draining')
    options.onMessage?.(message)
  }

  async function restart(livedMs: number): Promise<void> {
    attempt = livedMs >= HEALTHY_AFTER_MS ? 0 : attempt
    await pauseBeforeRestart(attempt++, wakeUp.signal)
    if (!wanted || child) return
    restartCount++
    spawn()
  }

  async function drain(final: RoleState): Promise<void> {
    wanted = false
    wakeUp.abort()
    wakeUp = new AbortController()
    const draining = child
    if (draining?.pid) {
      setGone('draining')
      sendSignal(draining.pid, 'SIGTERM')
      const force = setTimeout(() => {
        log.warn({ child: role, pid: draining.pid, timeoutMs: DRAIN_TIMEOUT_MS }, 'role.drain-timeout')
        draining.kill('SIGKILL')
      }, DRAIN_TIMEOUT_MS)
      await ended
      clearTimeout(force)
    }
    state = final
  }

  function start(): void {
    if (wanted) return
    wanted = true
    attempt = 0
    spawn()
  }

  return {
    role,
    get state() {
      return state
    },
    get pid() {
      return child?.pid ?? null
    },
    get restartCount() {
      return restartCount
    },
    start,
    send(message) {
      if (!child?.connected) return false
      child.send(message, () => {})
      return true
    },
    take(connection) {
      if (!child?.connected) return false
      give!(connection)
      return true
    },
    hold: () => drain('held'),
    release() {
      if (state === 'held') start()
    },
    stop: () => drain('stopped'),
    kill() {
      wanted = false
      child?.kill('SIGKILL')
    },
  }
}

/**
 * Gives connections to the process. A death can come between giving and taking, so our own end of each stays open until
 * the process says that it has taken it; what was not taken comes back.
 */
function createHandOver(
  process: ChildProcess,
  { onReturned = (connection) => void connection.destroy() }: RoleProcessOptions,
): (connection: Socket) => void {
  const given = new Map<number, Socket>()
  let lastId = 0
  process.on('message', (message: FromRole) => {
    if (message.type !== 'taken') return
    // Closes our end only: the connection lives on in the process that holds the other one.
    given.get(message.id)?.destroy()
    given.delete(message.id)
  })
  const giveBack = () => {
    for (const connection of given.values()) onReturned(connection)
    given.clear()
  }
  // It follows the last message that the process had sent, but is not always emitted when a connection was on its way.
  process.once('disconnect', giveBack)
  process.once('exit', () => setTimeout(giveBack, LAST_WORDS_MS))
  return (connection) => {
    given.set(++lastId, connection)
    const message: FromSupervisor = { type: 'connection', id: lastId }
    process.send(message, connection, { keepOpen: true }, () => {})
  }
}

/** Asks for a sign of life; a process that is stuck (endless loop, stopped) is ended, which makes a new one start. */
function ping(process: ChildProcess, { role, log, pingIntervalMs = 2_000 }: RoleProcessOptions): () => void {
  let unanswered = 0
  process.on('message', (message: FromRole) => {
    if (message.type === 'pong' || message.type === 'ready') unanswered = 0
  })
  const timer = setInterval(() => {
    if (!process.connected) return
    if (unanswered++ >= MAX_UNANSWERED_PINGS) {
      log.error({ child: role, pid: process.pid, unanswered }, 'role.stuck')
      process.kill('SIGKILL')
    } else process.send({ type: 'ping' } satisfies FromSupervisor, () => {})
  }, pingIntervalMs)
  return () => clearInterval(timer)
}

/** Ends whatever a role started and left behind. Its id names the group for as long as one member lives. */
function endGroup(pid: number): void {
  try {
    sendSignal(-pid, 'SIGKILL')
  } catch {
    // The group holds a process of another user: none of ours.
  }
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line) onLine(line)
  })
  stream.on('end', () => {
    if (rest) onLine(rest)
  })
}
