/** The command line, as a person uses it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { environmentWith } from '../../platform/app/config.ts'

const PROGRAM = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

export interface CommandResult {
  readonly code: number | null
  readonly output: string
  readonly errors: string
  readonly tookMs: number
}

/** Runs `upbeat …` to its end. */
export async function upbeat(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const startMs = performance.now()
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: environmentWith({ LOG_LEVEL: 'silent', UPLOAD_RESERVE_BYTES: '0', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const endWithUs = () => void child.kill('SIGTERM')
  process.once('exit', endWithUs)
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('exit', endWithUs)
  return { code, output, errors, tookMs: performance.now() - startMs }
}
