/** Logs: one JSON object a line on standard output; secrets and personal data never enter them. */
import { pino, stdSerializers, type Logger } from 'pino'

export type Log = Logger

const REDACTED_PATHS = [
  'password',
  '*.password',
  'token',
  '*.token',
  'email',
  '*.email',
  'headers.cookie',
  'headers.authorization',
]

/** Makes the process's logger; `base` goes into every line. @param destination by default standard output */
export function createLog(
  options: { level: string; base: Record<string, unknown> },
  destination?: { write(line: string): void },
): Log {
  const settings = {
    level: options.level,
    base: options.base,
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    serializers: { err: describeError },
  }
  return destination ? pino(settings, destination) : pino(settings)
}

/** A database error carries its whole connection with it, which tells nothing and fills the disk. */
function describeError(error: Error): object {
  const { client: _, ...description } = stdSerializers.err(error) as object & { client?: unknown }
  return description
}
