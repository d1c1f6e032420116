/** Work that takes its time, done by the command line's own programs: none of it can hold up or end the supervisor. */
import { execFile } from 'node:child_process'
import { z } from 'zod'
import { environmentWith } from '../../app/config.ts'

const DOCTOR_TIMEOUT_MS = 300_000
const BACKUP_TIMEOUT_MS = 6 * 3_600_000
const OUTPUT_MAX_BYTES = 4 * 1024 * 1024

const Findings = z.object({
  findings: z.array(z.object({ about: z.string(), state: z.string(), what: z.string() })),
})

export interface OwnPrograms {
  /** Every check of the doctor. @returns what is amiss, in words. @throws when it could not be made */
  findProblems(signal: AbortSignal): Promise<string[]>
  /** @returns what was made, in words. @throws with the reason why none could be made */
  backUp(signal: AbortSignal): Promise<string>
}

export interface OwnProgramsOptions {
  readonly dataDir: string
  /** The command line's program. */
  readonly commandLine: string
  readonly databaseUrl: () => string | null
}

/** Each call starts a process, which the signal or its time limit ends. */
export function createOwnPrograms(options: OwnProgramsOptions): OwnPrograms {
  const run = (args: readonly string[], timeoutMs: number, signal: AbortSignal) => {
    const url = options.databaseUrl()
    return runProgram([options.commandLine, ...args, '--data', options.dataDir], {
      env: environmentWith(url === null ? {} : { DATABASE_URL: url }),
      timeoutMs,
      signal,
    })
  }
  return {
    async findProblems(signal) {
      const { output, errors } = await run(['doctor', '--json'], DOCTOR_TIMEOUT_MS, signal)
      const parsed = Findings.safeParse(parseJson(output))
      if (!parsed.success) throw new Error(lastLine(errors) || 'The doctor gave no answer within 5 minutes.')
      return parsed.data.findings
        .filter(({ state }) => state === 'problem')
        .map(({ about, what }) => `${about}: ${what}`)
    },
    async backUp(signal) {
      const { code, output, errors } = await run(['backup'], BACKUP_TIMEOUT_MS, signal)
      if (code !== 0) throw new Error(lastLine(errors) || `The backup ended with code ${code}.`)
      return lastLine(output)
    },
  }
}

interface Ended {
  readonly code: number | string | null
  readonly output: string
  readonly errors: string
}

function runProgram(
  args: readonly string[],
  { env, timeoutMs, signal }: { env: NodeJS.ProcessEnv; timeoutMs: number; signal: AbortSignal },
): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { env, signal, timeout: timeoutMs, maxBuffer: OUTPUT_MAX_BYTES, killSignal: 'SIGTERM' },
      (error, output, errors) => resolve({ code: error ? (error.code ?? null) : 0, output, errors }),
    )
  })
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? ''

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
