/** ffmpeg and ffprobe as guarded child processes. */
export { FfmpegError, isOutOfSpace, type FfmpegFailure } from './errors.ts'
export { runFfmpeg, type RunInput, type RunLimits, type RunResult } from './run.ts'
export type { RunProgress } from './report.ts'
