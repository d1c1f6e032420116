/**
 * Runs ffmpeg or ffprobe on a source that nobody vouches for: no shell, a clean environment, a process group of its own,
 * no privileges, no network where the machine allows that, limits on time, memory, files and output, and pipes for
 * everything that goes in or out but a file that is handed over.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { FfmpegError, isOutOfSpace, type FfmpegFailure } from './errors.ts'
import { chooseEncoderUser, closeNetwork, dropPrivileges, openToHand } from './privileges.ts'
import { paceGroup } from './pace.ts'
import { readReport, type RunProgress } from './report.ts'

export interface RunLimits {
  /** Wall clock. */
  readonly timeoutMs: number
  /** Processor time over all threads. @default none */
  readonly cpuS?: number
  /** Address space; threads and decoders reserve much more than they touch. @default 4 GiB */
  readonly memoryBytes?: number
  /** Over all outputs. @default none */
  readonly outputBytes?: number
}

export interface RunInput {
  readonly program?: 'ffmpeg' | 'ffprobe'
  readonly args: readonly string[]
  readonly limits: RunLimits
  /**
   * Fed to standard input, no faster than it is read: a chunk has gone out when the next one is asked for, so its memory
   * can be used again. Ends early without harm when the program has seen enough.
   */
  readonly stdin?: AsyncIterable<Uint8Array>
  /**
   * A file to read, by path, instead of `stdin`: the one file of ours that the program may open. In `args` it goes by the
   * name HANDED_FILE, whatever its path.
   */
  readonly file?: string
  /**
   * One consumer per output descriptor, from 3 on (for ffprobe: from 1 on). A consumer that is slow slows the program; one
   * that throws ends it.
   */
  readonly outputs?: readonly ((chunk: Uint8Array) => void | Promise<void>)[]
  readonly onProgress?: (progress: RunProgress) => void
  /** Told the process id, which is the id of its group too. */
  readonly onStart?: (pid: number) => void
  readonly signal?: AbortSignal
  /** What part of the time it may run, above 0: asked while it runs. @default all of it */
  readonly shareNow?: () => number
  /** Adds to the niceness: 10 for what nobody waits for. @default 0 */
  readonly nice?: number
}

export interface RunResult {
  /** Null: the program did not say. */
  readonly cpuS: number | null
  readonly stderrTail: string
}

const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3
const KILL_GRACE_MS = 2_000

/**
 * Runs to the end.
 *
 * @throws {FfmpegError} saying how it ended, when not well.
 * @throws the file system's error when `file` can't be opened.
 */
export async function runFfmpeg(input: RunInput): Promise<RunResult> {
  const { program = 'ffmpeg', outputs = [] } = input
  const user = await chooseEncoderUser()
  const sandbox = [...(await closeNetwork()), ...dropPrivileges(user)]
  await using file = input.file === undefined ? null : await openToHand(input.file, user)
  if (input.signal?.aborted) throw new FfmpegError('cancelled', 'It was cancelled before it began.')
  const child = start(input, composeCommand(input, program, sandbox), file)
  const end = new EndOfRun(child)
  if (child.pid !== undefined) input.onStart?.(child.pid)
  using _timers = watch(child, end, input)
  using _pace = child.pid !== undefined && input.shareNow ? paceGroup(child.pid, input.shareNow) : null

  const report = readReport(child.stderr!, input.onProgress)
  const first = program === 'ffprobe' ? 1 : 3
  let outputBytes = 0
  const consuming = outputs.map((consume, i) =>
    drain(child.stdio[first + i] as Readable, async (chunk) => {
      outputBytes += chunk.length
      if (outputBytes > (input.limits.outputBytes ?? Infinity))
        end.stop('output-too-large', `It gave more than ${input.limits.outputBytes} bytes.`)
      else await consume(chunk)
    }).catch((error: unknown) =>
      end.stop(isOutOfSpace(error) ? 'no-space' : 'pipe-failed', 'Its output could not be taken.', error),
    ),
  )
  const feeding = feed(child.stdin, input.stdin).catch((error: unknown) =>
    end.stop('pipe-failed', 'Its input ended with an error.', error),
  )
  const exit = await end.exited
  // The source's iterator is let go: after the exit nothing more is written.
  child.stdin?.destroy()
  await Promise.all([...consuming, feeding])
  const { stderrTail, cpuS } = await report
  judgeExit(exit, end, program, stderrTail)
  return { stderrTail, cpuS }
}

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: NodeJS.ErrnoException
}

/** Remembers why a run was stopped by us, if it was: the first reason counts. */
class EndOfRun {
  readonly exited: Promise<Exit>
  stopped: { failure: FfmpegFailure; message: string; cause: unknown } | null = null
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, signal: null, error }))
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
  }

  stop(failure: FfmpegFailure, message: string, cause?: unknown): void {
    this.stopped ??= { failure, message, cause }
    killGroup(this.#child, 'SIGTERM')
    // One that is paced may be standing still.
    killGroup(this.#child, 'SIGCONT')
    const timer = setTimeout(() => killGroup(this.#child, 'SIGKILL'), KILL_GRACE_MS)
    timer.unref()
    void this.exited.then(() => clearTimeout(timer))
    for (const stream of this.#child.stdio) stream?.destroy()
  }
}

function start({ outputs = [] }: RunInput, command: string[], file: FileHandle | null): ChildProcess {
  return spawn(command[0]!, command.slice(1), {
    stdio: [file?.fd ?? 'pipe', 'pipe', 'pipe', ...outputs.map(() => 'pipe' as const)],
    detached: true,
    shell: false,
    cwd: '/',
    // FFREPORT and the like would make it write files; the search path alone is needed.
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' },
  })
}

function composeCommand({ limits, nice = 0, args }: RunInput, program: string, sandbox: readonly string[]) {
  const limited = [
    `--as=${limits.memoryBytes ?? DEFAULT_MEMORY_BYTES}`,
    ...(limits.cpuS ? [`--cpu=${Math.ceil(limits.cpuS)}:${Math.ceil(limits.cpuS) + 5}`] : []),
    // Everything goes through pipes: no file is ever written.
    ...['--fsize=0', '--core=0', '--nofile=64'],
  ]
  return ['prlimit', ...limited, 'nice', '-n', String(nice), ...sandbox, program, ...args]
}

function watch(child: ChildProcess, end: EndOfRun, input: RunInput): Disposable {
  const onAbort = () => end.stop('cancelled', 'It was cancelled.', input.signal?.reason)
  input.signal?.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(
    () => end.stop('timeout', `It did not finish within ${input.limits.timeoutMs} ms.`),
    input.limits.timeoutMs,
  )
  // A child that never started has no pipes to drain.
  if (child.pid === undefined) for (const stream of child.stdio) stream?.destroy()
  return {
    [Symbol.dispose]() {
      clearTimeout(timer)
      input.signal?.removeEventListener('abort', onAbort)
    },
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function drain(stream: Readable, consume: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  try {
    for await (const chunk of stream) await consume(chunk as Uint8Array)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** @param stdin null: a file was handed over in its place. */
async function feed(stdin: Writable | null, source: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (!stdin) return
  stdin.on('error', () => {})
  if (!source) {
    stdin.end()
    return
  }
  const closed = new Promise<'closed'>((resolve) => stdin.once('close', () => resolve('closed')))
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), closed])
      if (next === 'closed' || next.done) break
      if (!(await written(stdin, next.value))) break
    }
  } finally {
    // Not awaited: an iterator that waits for bytes that never come would hold the run.
    iterator.return?.().catch(() => {})
    stdin.end()
  }
}

/** Settles when the chunk has gone out; false: it will not. */
const written = (stdin: Writable, chunk: Uint8Array) =>
  new Promise<boolean>((resolve) => {
    if (chunk.length === 0) resolve(true)
    else stdin.write(chunk, (error) => resolve(!error))
  })

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(
    code,
  )
}

function judgeExit(exit: Exit, end: EndOfRun, program: string, stderrTail: string): void {
  if (end.stopped)
    throw new FfmpegError(end.stopped.failure, end.stopped.message, stderrTail, end.stopped.cause)
  if (exit.error || exit.code === 127)
    throw new FfmpegError('not-installed', `${program} could not be started.`, stderrTail, exit.error)
  // ffmpeg takes SIGXCPU for a wish to end (signal 24 on Linux), and answers such wishes by 255.
  if (exit.signal === 'SIGXCPU' || /received signal 24/.test(stderrTail))
    throw new FfmpegError('timeout', `${program} used up its processor time.`, stderrTail)
  if (exit.code === 255 || exit.signal === 'SIGKILL' || exit.signal === 'SIGTERM')
    throw new FfmpegError('killed', `${program} was ended from outside.`, stderrTail)
  if (exit.signal) throw new FfmpegError('crashed', `${program} died by ${exit.signal}.`, stderrTail)
  // Even then it may end by 0, with less than it should have made.
  if (/Cannot allocate memory/.test(stderrTail))
    throw new FfmpegError('crashed', `${program} reached its memory limit.`, stderrTail)
  if (exit.code === 0) return
  throw new FfmpegError('bad-input', `${program} refused the source (exit code ${exit.code}).`, stderrTail)
}
