/**
 * A process beside Upbeat that must not die with it: started in a group of its own, with a log of its own, started again
 * when it dies, and ended only when the whole is stopped in order. Nothing here depends on it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../kit/log.ts'
import { sendSignal } from '../../kit/processes.ts'

export interface SiblingOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Where what it says goes: its own file, so that it can go on speaking when we are gone. */
  readonly logFile: string
  readonly log: Log
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

/** Starts it at once. */
export function startSibling(options: SiblingOptions): Sibling {
  const { log, logFile } = options
  const stopping = new AbortController()
  const first = Promise.withResolvers<{ url: string } | { trouble: string }>()
  let child: ChildProcess | null = null
  let ended: Promise<unknown> = Promise.resolve()

  async function keepRunning(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      const startedMs = performance.now()
      const running = spawnOnce(options)
      child = running
      running.on('message', (message: { type?: unknown; url?: unknown }) => {
        if (message.type === 'ready' && typeof message.url === 'string') first.resolve({ url: message.url })
      })
      const code = await new Promise<number | string>((resolve) => {
        running.once('error', (error) => resolve(error.message))
        running.once('exit', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'))
      })
      child = null
      if (stopping.signal.aborted) return
      first.resolve({ trouble: await lastLineOf(logFile) })
      log.error({ program: options.program, code }, 'sibling.ended')
      if (performance.now() - startedMs > HEALTHY_AFTER_MS) attempt = 0
      const delayMs = RESTART_DELAYS_MS[Math.min(attempt, RESTART_DELAYS_MS.length - 1)]
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  ended = keepRunning()
  return {
    firstWord: (withinMs) =>
      Promise.race([
        first.promise,
        sleep(withinMs, { trouble: 'It is still starting.' }, { signal: stopping.signal, ref: false }).catch(
          () => ({ trouble: 'It was stopped.' }),
        ),
      ]),
    async stop() {
      stopping.abort()
      if (child?.pid) sendSignal(child.pid, 'SIGTERM')
      const force = setTimeout(() => {
        if (child?.pid) sendSignal(-child.pid, 'SIGKILL')
      }, STOP_TIMEOUT_MS)
      await ended
      clearTimeout(force)
    },
  }
}

function spawnOnce({ program, args, env, logFile }: SiblingOptions): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const fd = openLog(logFile)
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

function openLog(path: string): number {
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (sizeBytes > LOG_MAX_BYTES) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}

/** What it said last, for a person. */
async function lastLineOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').at(-1)?.slice(0, 500) || 'It said nothing.'
}
