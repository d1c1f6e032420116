/** Processes around what is measured: it has one core, they have the other. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

export const MEASURED_CORE = 0
export const OTHER_CORE = 1

/** With one core only, nothing is pinned, and everything shares it. */
export const isPinned = availableParallelism() >= 2

/** Starts a Node program on a core, with a channel for messages. */
export const startNode = (
  script: string,
  core: number,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): ChildProcess => startProgram([process.execPath, script, ...args], core, env, 'ipc')

/** Starts any program on a core. What it prints is shown; its errors, too. */
export function startProgram(
  command: readonly string[],
  core: number,
  env: Readonly<Record<string, string>> = {},
  channel: 'ipc' | 'ignore' = 'ignore',
): ChildProcess {
  const [program, ...args] = isPinned ? ['taskset', '-c', String(core), ...command] : command
  return spawn(program!, args, {
    stdio: ['ignore', 'inherit', 'inherit', channel],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
  })
}

/** @throws when the process ends before it says anything */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const answered = new AbortController()
  const { signal } = answered
  const exited = once(child, 'exit', { signal }).then(([code, killedBy]) => {
    throw new Error(`a process beside what is measured ended with ${code ?? killedBy}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), exited])
    return message as T
  } finally {
    exited.catch(() => {})
    answered.abort()
  }
}

/** Ends one that goes when its channel is closed. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.disconnect()
  await exited
}

/** Ends any, by a signal. */
export async function killChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}
