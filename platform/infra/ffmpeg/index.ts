/** ffmpeg and ffprobe as guarded child processes. */
export { FfmpegError, isOutOfSpace, type FfmpegFailure } from './errors.ts'
export { HANDED_FILE } from './privileges.ts'
export { runFfmpeg, type RunInput, type RunLimits, type RunResult } from './run.ts'
export type { RunProgress } from './report.ts'
