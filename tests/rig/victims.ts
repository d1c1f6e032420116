/** Who can be killed in a running product. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listWorkingIn, sendSignal } from '../../kit/processes.ts'
import type { Product } from '../support/product.ts'
import { eventually } from './eventually.ts'

export type Victim = 'api' | 'ingest' | 'worker' | 'postgres' | 'ffmpeg'

/** Kills it where it stands; false when there was none to kill. */
export async function killVictim(product: Product, victim: Victim): Promise<boolean> {
  const pids = victim === 'ffmpeg' ? await listEncoders(product) : [await product.pidOf(victim)]
  return pids.map((pid) => sendSignal(pid, 'SIGKILL')).some(Boolean)
}

/** The encoders that the product's roles run now. */
export async function listEncoders(product: Product): Promise<number[]> {
  const roles = new Set((await product.status()).roles.map(({ pid }) => pid))
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (stat.includes('(ffmpeg)') && roles.has(parent)) found.push(Number(entry))
  }
  return found
}

/** Waits until the product encodes something. */
export async function encoding(product: Product, timeoutMs: number): Promise<boolean> {
  return (await eventually(timeoutMs, async () => (await listEncoders(product)).length > 0)) !== null
}

/** Kills all of the product at once: the supervisor, its roles, their encoders, and every process of PostgreSQL. */
export async function killEverything(product: Product): Promise<void> {
  const { pid, roles } = await product.status()
  const encoders = await listEncoders(product)
  const database = await listWorkingIn(join(product.dataDir, 'postgres', 'cluster'))
  const killed = product.killSupervisor()
  for (const victim of [pid, ...roles.map((role) => role.pid ?? 0), ...encoders, ...database])
    if (victim > 0) sendSignal(victim, 'SIGKILL')
  await killed
}
