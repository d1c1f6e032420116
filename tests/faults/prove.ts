/** Proof that a drill tests what it says: without the protection it fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Protection } from '../../platform/app/protections.ts'
import type { Report } from './report.ts'

const LIMIT_MS = 10 * 60_000
const BROKEN_SHOWN = 3
/** Random schedules that are played: what is not started again is missed in the first that kills it. */
const SCHEDULES = '2'

/** Runs the drill in a process of its own with the protection off; the promise is that it breaks a promise. */
export async function proveDrill(report: Report, name: string, protection: Protection): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), name, '--without', protection, '--count', SCHEDULES],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const endWithUs = () => void child.kill('SIGTERM')
  process.once('exit', endWithUs)
  const limit = setTimeout(endWithUs, LIMIT_MS)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  clearTimeout(limit)
  process.off('exit', endWithUs)
  // What "could not go on" broke no promise: it may have failed for any reason.
  const broken = output
    .split('\n')
    .filter((line) => line.startsWith('  ✗') && !line.includes('could not go on:'))
    .map((line) => line.slice(4))
  const more = broken.length > BROKEN_SHOWN ? ` and ${broken.length - BROKEN_SHOWN} more` : ''
  report.promise(
    `${name} fails without ${protection}`,
    broken.length > 0,
    broken.length > 0
      ? `broken: ${broken.slice(0, BROKEN_SHOWN).join('; ')}${more}`
      : `its end: ${output.trim().split('\n').slice(-2).join(' ').trim()}`,
  )
}
