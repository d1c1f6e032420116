/**
 * What comes out of a running instance: lines for a person on standard output, and the logs of all processes as JSON
 * lines on standard error, or in the data folder when a person would see them.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
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

const FILE_MAX_BYTES = 10_000_000
const FILES_KEPT = 3

/** Opens the outlets. */
export function openOutput(options: { dataDir: string; level: string; isForPerson: boolean }): Output {
  const file = options.isForPerson ? openRotatingFile(join(options.dataDir, 'logs'), 'upbeat.log') : null
  const write = (line: string) => (file ? file.write(line) : void process.stderr.write(line))
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

/** Writes synchronously, as the last lines before a death matter most; the amount is small. */
function openRotatingFile(dir: string, name: string) {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, name)
  let fd = openSync(path, 'a', 0o600)
  let sizeBytes = statSync(path).size

  function rotate(): void {
    closeSync(fd)
    for (let age = FILES_KEPT - 1; age > 0; age--) {
      const younger = age === 1 ? path : `${path}.${age - 1}`
      if (existsSync(younger)) renameSync(younger, `${path}.${age}`)
    }
    fd = openSync(path, 'a', 0o600)
    sizeBytes = 0
  }

  return {
    path,
    write(line: string) {
      if (sizeBytes > FILE_MAX_BYTES) rotate()
      try {
        sizeBytes += writeSync(fd, line)
      } catch {
        // A full disk loses log lines and nothing else.
      }
    },
    close: () => closeSync(fd),
  }
}
