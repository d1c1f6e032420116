/** A flood, made by a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { FloodOrder, FloodResult } from './flood-process.ts'

/** Ends by itself. */
export async function flood(order: FloodOrder): Promise<FloodResult> {
  const program = join(import.meta.dirname, 'flood-process.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const endWithUs = () => void child.kill()
  process.once('exit', endWithUs)
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
  await once(child, 'close')
  process.off('exit', endWithUs)
  return JSON.parse(told) as FloodResult
}
