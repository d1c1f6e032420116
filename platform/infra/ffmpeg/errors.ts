/** How a run of ffmpeg can end badly. Which word goes to a person is the caller's business. */

/**
 * - `bad-input`: it ran and refused the source.
 * - `crashed`: it died of itself: a fault in a decoder, or its memory limit.
 * - `killed`: someone else ended it: the machine shuts down or is out of memory.
 * - `timeout`: it took longer, or more processor time, than it was given.
 * - `cancelled`: the caller's signal was aborted.
 * - `no-space`: what takes its output found the disk full.
 * - `pipe-failed`: what feeds it or takes its output failed; the `cause` says why.
 * - `output-too-large`: it gave more bytes than it was allowed.
 * - `not-installed`: there is no such program, or none of the tools that confine it.
 */
export type FfmpegFailure =
  | 'bad-input'
  | 'crashed'
  | 'killed'
  | 'timeout'
  | 'cancelled'
  | 'no-space'
  | 'pipe-failed'
  | 'output-too-large'
  | 'not-installed'

export class FfmpegError extends Error {
  readonly failure: FfmpegFailure
  /** The end of what it wrote about itself; for the log, never for a person. */
  readonly stderrTail: string

  constructor(failure: FfmpegFailure, message: string, stderrTail = '', cause?: unknown) {
    super(message, { cause })
    this.name = 'FfmpegError'
    this.failure = failure
    this.stderrTail = stderrTail
  }
}

/** Whether an error says that a disk or a quota is full. */
export function isOutOfSpace(error: unknown): boolean {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    const { code } = e as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') return true
  }
  return false
}
