/** Watching while things happen: what was served, by when it was due. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

/** What is asked for, and with which headers. */
export interface Asked {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Outcome {
  readonly dueAtMs: number
  /** How late it was sent, by the generator's own doing. */
  readonly lateMs: number
  /** Since it was due. */
  readonly tookMs: number
  /** 0: there was no answer. */
  readonly status: number
  readonly isServed: boolean
}

export interface Watching {
  /** What has been told so far; it grows. */
  readonly outcomes: readonly Outcome[]
  /** Its end: how late the generator itself was at worst, in milliseconds. */
  readonly ended: Promise<number>
  stop(): void
}

export function startWatching(input: {
  readonly port: number
  readonly ratePerS: number
  readonly seconds: number
  readonly asked: readonly Asked[]
}): Watching {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'player-process.ts'),
      String(input.port),
      String(input.ratePerS),
      String(input.seconds),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const endWithUs = () => void child.kill()
  process.once('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
  child.stdin.end(JSON.stringify(input.asked))
  const outcomes: Outcome[] = []
  let worstLagMs = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Outcome | { worstLagMs: number }
    if ('worstLagMs' in told) worstLagMs = told.worstLagMs
    else outcomes.push(told)
  })
  return {
    outcomes,
    ended: new Promise((resolve) => child.once('close', () => resolve(worstLagMs))),
    stop: () => void child.kill(),
  }
}

/** Of what was due in this time, the share that was served. Null: nothing was. */
export function shareServed(outcomes: readonly Outcome[], fromMs: number, toMs: number): number | null {
  const due = outcomes.filter(({ dueAtMs }) => dueAtMs >= fromMs && dueAtMs < toMs)
  return due.length > 0 ? due.filter(({ isServed }) => isServed).length / due.length : null
}

/**
 * When playback was back: the earliest moment from which on, to the end, at least `share` of what fell due was served.
 *
 * @returns milliseconds since `fromMs`; null: it was not
 */
export function backAfter(
  outcomes: readonly Outcome[],
  { fromMs, share, windowMs }: { readonly fromMs: number; readonly share: number; readonly windowMs: number },
): number | null {
  const endMs = Math.max(...outcomes.map(({ dueAtMs }) => dueAtMs))
  let back: number | null = null
  for (let at = fromMs; at < endMs - windowMs; at += windowMs) {
    const served = shareServed(outcomes, at, at + windowMs)
    if (served !== null && served < share) back = null
    else back ??= at - fromMs
  }
  return back
}
