/**
 * A process beside Upbeat that must not die with it: started in a group of its own, with a log of its own, started again
 * when it dies, and ended only when the whole is stopped in order. Nothing here depends on it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { copyFile, readFile, stat, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../kit/log.ts'
import { pauseBeforeRestart, sendSignal } from '../../kit/processes.ts'
import { startRepeating } from '../../kit/repeat.ts'

export interface SiblingOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Where what it says goes: its own file, so that it can go on speaking when we are gone. */
  readonly logFile: string
  readonly log: Log
  /** Above this the log file is kept as `.1` and begun anew. @default 10,000,000 */
  readonly logMaxBytes?: number
  /** How often the log file's size is looked at. @default 60,000 */
  readonly logCheckMs?: number
}

export interface Sibling {
  /** Its address once it is ready; or why it is not (yet), after at most this time. */
  firstWord(withinMs: number): Promise<{ readonly url: string } | { readonly trouble: string }>
  /** Ends it in order; by force when it takes too long. */
  stop(): Promise<void>
}

const RESTART_DELAYS_MS = [500, 2_000, 5_000, 15_000]
const HEALTHY_AFTER_MS = 30_000
const STOP_TIMEOUT_MS = 10_000
const LOG_MAX_BYTES = 10_000_000
const LOG_CHECK_MS = 60_000

/** Starts it at once. */
export function startSibling(options: SiblingOptions): Sibling {
  const { log, logFile } = options
  const stopping = new AbortController()
  const firstWord = createFirstWord(stopping.signal)
  let child: ChildProcess | null = null

  async function keepRunning(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      const startedMs = performance.now()
      const { code, lastWords } = await runOnce(options, {
        onStart: (started) => (child = started),
        onReady: (url) => firstWord.say({ url }),
      })
      child = null
      firstWord.say({ trouble: lastWords })
      if (stopping.signal.aborted) return
      log.error({ program: options.program, code }, 'sibling.ended')
      if (performance.now() - startedMs > HEALTHY_AFTER_MS) attempt = 0
      await pauseBeforeRestart(attempt, stopping.signal, RESTART_DELAYS_MS)
    }
  }

  const ended = keepRunning()
  const bounding = startRepeating({
    intervalMs: options.logCheckMs ?? LOG_CHECK_MS,
    work: () => boundLog(logFile, options.logMaxBytes ?? LOG_MAX_BYTES),
    onError: (error) => log.warn({ err: error, logFile }, 'sibling.log-not-bounded'),
  })
  return {
    firstWord: firstWord.waitFor,
    async stop() {
      stopping.abort()
      if (child?.pid) sendSignal(child.pid, 'SIGTERM')
      const force = setTimeout(() => {
        if (child?.pid) sendSignal(-child.pid, 'SIGKILL')
      }, STOP_TIMEOUT_MS)
      await ended
      clearTimeout(force)
      await bounding[Symbol.asyncDispose]()
    },
  }
}

type Word = { readonly url: string } | { readonly trouble: string }

/** What was said first counts; what is said later changes nothing. */
function createFirstWord(stopping: AbortSignal) {
  const said = Promise.withResolvers<Word>()
  return {
    say: said.resolve,
    waitFor: (withinMs: number): Promise<Word> =>
      Promise.race([
        said.promise,
        sleep(withinMs, { trouble: 'It is still starting.' }, { signal: stopping, ref: false }).catch(() => ({
          trouble: 'It was stopped.',
        })),
      ]),
  }
}

/** Answers once it has ended, or could not even be started: a full disk, say, has no room for its log. */
async function runOnce(
  options: SiblingOptions,
  { onStart, onReady }: { onStart: (child: ChildProcess) => void; onReady: (url: string) => void },
): Promise<{ readonly code: number | string; readonly lastWords: string }> {
  try {
    const child = spawnOnce(options)
    onStart(child)
    child.on('message', (message: { type?: unknown; url?: unknown }) => {
      if (message.type === 'ready' && typeof message.url === 'string') onReady(message.url)
    })
    const code = await new Promise<number | string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'))
    })
    return { code, lastWords: await lastLineOf(options.logFile) }
  } catch (error) {
    const { message } = error as Error
    return { code: message, lastWords: message }
  }
}

function spawnOnce({ program, args, env, logFile }: SiblingOptions): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const fd = openSync(logFile, 'a', 0o600)
  try {
    return spawn(process.execPath, [program, ...args], {
      env,
      stdio: ['ignore', fd, fd, 'ipc'],
      detached: true,
    })
  } finally {
    closeSync(fd)
  }
}

/** It goes on writing to the same file, at its end: what it says between the copy and the cut is lost. */
async function boundLog(path: string, maxBytes: number): Promise<void> {
  const sizeBytes = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  )
  if (sizeBytes <= maxBytes) return
  await copyFile(path, `${path}.1`)
  await truncate(path)
}

/** What it said last, for a person. */
async function lastLineOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').at(-1)?.slice(0, 500) || 'It said nothing.'
}
