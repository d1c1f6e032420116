/** Logs: one JSON object a line on standard output; secrets and personal data never enter them. */
import { pino, type Logger } from 'pino'

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
  }
  return destination ? pino(settings, destination) : pino(settings)
}
