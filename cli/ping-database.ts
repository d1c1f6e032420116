/**
 * Whether the database answers, by a program of its own, which is ended when its time is over: a look-up of a name at a dead
 * DNS server can't be cut short in any other way, and would keep whoever asked.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Config } from '../platform/app/config.ts'
import { findPostgresAddress } from '../platform/infra/postgres/address.ts'

/** True: it answers; false: nothing is there; null: silent for so long. */
export async function pingDatabase(config: Config, limitMs: number): Promise<boolean | null> {
  const url = config.database.url ?? (await findPostgresAddress(`${config.dataDir}/postgres`))
  if (url === null) return false
  const child = spawn(process.execPath, [join(import.meta.dirname, 'ping-process.ts')], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Not by its arguments, which everybody on the machine may read.
  child.stdin.on('error', () => {}).end(url)
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(null)
      child.kill('SIGKILL')
    }, limitMs)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
    child.once('error', () => resolve(null))
  })
}
