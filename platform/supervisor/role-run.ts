/** One process of a role, from its start to its end: what it says, its signs of life, the connections that it is given. */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Log } from '../../kit/log.ts'
import { sendSignal } from '../../kit/processes.ts'
import type { Standing } from '../app/abuse/standings.ts'
import { createHandOver } from './hand-over.ts'
import type { FromRole, FromSupervisor, RoleName } from './protocol.ts'

export interface RoleRunOptions {
  readonly role: RoleName
  /** The program, which gets the role's name as its one argument. */
  readonly program: string
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  /** One line that the role wrote, as it was written. */
  readonly onOutput: (line: string) => void
  /** Called with each new process, before it runs a line of ours. */
  readonly onSpawn?: (pid: number) => void
  /** A connection that it was given comes back unread: it died before it could take it. */
  readonly onReturned?: (connection: Socket) => void
  /** Who comes from there: known people's connections go first. @default strangers alone */
  readonly standingOf?: (address: string | undefined) => Standing
  /** @default 2000 */
  readonly pingIntervalMs?: number
}

export interface RoleRun {
  /** Null: it could not even be made. */
  readonly pid: number | null
  /** False when it can't be reached. */
  send(message: FromSupervisor): boolean
  /** Hands a paused connection over; false when it can't be reached. */
  take(connection: Socket): boolean
  /** Ends it by force. */
  kill(): void
}

export interface RunEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly livedMs: number
}

/**
 * Roles that move videos make much short-lived memory beside the heap, which is freed when the heap's young half is
 * cleared: a small one is cleared often. Measured with 107 MB at 90 MB/s: 180 MB at most instead of 230.
 */
const FEW_BYTES = ['--max-semi-space-size=2']
/**
 * Left to itself, V8 lets the young half grow to two times 64 MB, however small the heap is kept (`--max-old-space-size`), and
 * then goes through the whole heap where clearing the young half would do. Measured in a heap of 96 MB, of which 41 were in
 * use, with 200 clients that ask without pause: 15 to 20 % of the thread's time, and half of that with two times 16 MB.
 */
const FITS_INTO_A_SMALL_HEAP = ['--max-semi-space-size=16']
const NODE_OPTIONS_OF: Record<RoleName, string[]> = {
  api: FITS_INTO_A_SMALL_HEAP,
  ingest: FEW_BYTES,
  worker: FEW_BYTES,
}

/** Pings without an answer after which it counts as stuck. Counted, not timed, so that a machine may sleep. */
const MAX_UNANSWERED_PINGS = 10
/** While it loads its code it answers nothing: on a machine that is out of breath, ending it would only add to that. */
const MAX_UNANSWERED_AT_START = 30
/** Starts the process. `onEnd` follows once, when it is gone with all that it had started. */
export function startRun(
  options: RoleRunOptions,
  { onMessage, onEnd }: { onMessage: (message: FromRole) => void; onEnd: (end: RunEnd) => void },
): RoleRun {
  const { role, log } = options
  const startedAtMs = performance.now()
  const process = fork(options.program, [role], {
    env: options.env,
    execArgv: NODE_OPTIONS_OF[role],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches us only, and its ffmpeg children end with it.
    detached: true,
  })
  if (process.pid) options.onSpawn?.(process.pid)
  for (const stream of [process.stdout!, process.stderr!]) splitLines(stream, options.onOutput)
  const stopPinging = ping(process, options)
  const give = createHandOver(process, {
    onReturned: options.onReturned ?? ((connection) => void connection.destroy()),
    standingOf: options.standingOf,
  })
  process.on('message', onMessage)
  process.on('error', (error) => log.error({ err: error, child: role }, 'role.error'))
  const finish = (code: number | null, signal: NodeJS.Signals | null) => {
    stopPinging()
    if (process.pid) endGroup(process.pid)
    onEnd({ code, signal, livedMs: performance.now() - startedAtMs })
  }
  process.once('exit', finish)
  // A process that could not even be made has no exit.
  process.once('error', () => process.pid === undefined && finish(null, null))
  return {
    pid: process.pid ?? null,
    send(message) {
      if (!process.connected) return false
      process.send(message, () => {})
      return true
    },
    take(connection) {
      if (!process.connected) return false
      give(connection)
      return true
    },
    kill: () => void process.kill('SIGKILL'),
  }
}

/** Asks for signs of life; any word is one. A process that is stuck (endless loop, stopped) is ended, which makes a new one start. */
function ping(process: ChildProcess, { role, log, pingIntervalMs = 2_000 }: RoleRunOptions): () => void {
  let unanswered = 0
  let limit = MAX_UNANSWERED_AT_START
  process.on('message', (message: FromRole) => {
    if (message.type === 'ready') limit = MAX_UNANSWERED_PINGS
    // Whatever it says: what is stuck says nothing.
    unanswered = 0
  })
  const timer = setInterval(() => {
    if (!process.connected) return
    if (unanswered++ >= limit) {
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
