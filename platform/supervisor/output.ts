/**
 * What comes out of a running instance: lines for a person on standard output, and the logs of all processes as JSON
 * lines on standard error. Where a person would see these, they go to the data folder, and the person is told of
 * warnings and errors, in words.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { z } from 'zod'
import { createLog, type Log } from '../../kit/log.ts'

export interface Output extends Disposable {
  /** The supervisor's own log. */
  readonly log: Log
  /** Where the logs go, when they go to a file. */
  readonly logFile: string | null
  /** Tells the person who started it. */
  tell(line: string): void
  /** Passes a role's line on; one that is not JSON (a crash, say) is wrapped. */
  passOn(role: string, line: string): void
}

const FILE_MAX_BYTES = 10 * 1024 ** 2
const FILES_KEPT = 3

/** The same warning is told a person again after this long. */
const REPEAT_AFTER_MS = 60_000
const REMEMBERED_MAX = 1_000
const WARNING = pino.levels.values['warn']!
const ERROR = pino.levels.values['error']!

export interface OutputOptions {
  readonly dataDir: string
  readonly level: string
  /** Whether standard error is read by a person. */
  readonly isForPerson: boolean
  /** @default standard error */
  readonly toStandardError?: (text: string) => void
  /** @default openRotatingFile's */
  readonly fileMaxBytes?: number
}

/** Opens the outlets. */
export function openOutput(options: OutputOptions): Output {
  const { toStandardError = (text: string) => void process.stderr.write(text) } = options
  const file = options.isForPerson
    ? openRotatingFile(join(options.dataDir, 'logs'), 'upbeat.log', options.fileMaxBytes)
    : null
  const inWords = createWording()
  const write = (line: string) => {
    if (!file) return toStandardError(line)
    file.write(line)
    const words = inWords(line)
    if (words !== null) toStandardError(`${words}\n`)
  }
  return {
    log: createLog({ level: options.level, base: { role: 'supervisor' } }, { write }),
    logFile: file?.path ?? null,
    tell: (line) => void process.stdout.write(`${line}\n`),
    passOn: (role, line) => write(`${asJson(role, line)}\n`),
    [Symbol.dispose]: () => file?.close(),
  }
}

function asJson(role: string, line: string): string {
  if (line.startsWith('{') && line.endsWith('}')) return line
  return JSON.stringify({ level: pino.levels.values['warn'], time: Date.now(), role, msg: line })
}

const LogLine = z.object({
  level: z.number(),
  role: z.string().default('supervisor'),
  msg: z.string().default(''),
  err: z.object({ message: z.string() }).optional(),
})

/** Puts a log line into words for a person; null: it is no warning, or was told a moment ago. */
function createWording(nowMs = () => performance.now()): (line: string) => string | null {
  const toldAtMs = new Map<string, number>()
  return (line) => {
    const parsed = LogLine.safeParse(parseJson(line))
    if (!parsed.success || parsed.data.level < WARNING) return null
    const { level, role, msg, err } = parsed.data
    const words = `  ${level < ERROR ? 'Warning' : 'Error'} (${role}): ${[msg, err?.message].filter(Boolean).join(': ')}`
    if (nowMs() - (toldAtMs.get(words) ?? -Infinity) < REPEAT_AFTER_MS) return null
    if (toldAtMs.size >= REMEMBERED_MAX) toldAtMs.clear()
    toldAtMs.set(words, nowMs())
    return words
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

/** Writes synchronously, as the last lines before a death matter most; the amount is small. */
function openRotatingFile(dir: string, name: string, maxBytes = FILE_MAX_BYTES) {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, name)
  let fd = openSync(path, 'a', 0o600)
  let sizeBytes = statSync(path).size

  function rotate(): void {
    for (let age = FILES_KEPT - 1; age > 0; age--) {
      const younger = age === 1 ? path : `${path}.${age - 1}`
      if (existsSync(younger)) renameSync(younger, `${path}.${age}`)
    }
    const full = fd
    fd = openSync(path, 'a', 0o600)
    sizeBytes = 0
    closeSync(full)
  }

  return {
    path,
    write(line: string) {
      try {
        if (sizeBytes > maxBytes) rotate()
        sizeBytes += writeSync(fd, line)
      } catch {
        // A full disk, or a folder that was taken away, loses log lines and nothing else.
      }
    },
    close: () => closeSync(fd),
  }
}
