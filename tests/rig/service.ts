/** How a product says that it fares, and how it fares. */
import { readdir } from 'node:fs/promises'
import type { ServiceState } from '../../contract/state.ts'
import type { Product } from '../support/product.ts'
import { eventually } from './eventually.ts'

/** What it says of itself; null: it says nothing. */
export async function readState(url: string, timeoutMs = 2_000): Promise<ServiceState | null> {
  const response = await fetch(`${url}/api/v1/state`, { signal: AbortSignal.timeout(timeoutMs) }).catch(
    () => null,
  )
  return response?.ok ? ((await response.json()) as ServiceState) : null
}

/** The features that are not wholly on, to be read; empty: full service. */
export function listFallen(state: ServiceState | null): string[] {
  if (!state) return ['no state is told']
  const fallen = Object.entries(state.features)
    .filter(([, { mode, share }]) => mode !== 'on' || share < 1)
    .map(([feature, { mode, reason, share }]) =>
      mode === 'on'
        ? `${feature} for ${share * 100} %`
        : `${feature} ${mode}${reason === null ? '' : ` (${reason})`}`,
    )
  return state.level === 0 ? fallen : [`level ${state.level}`, ...fallen]
}

/** Waits for full service. @returns how long that took, in milliseconds; null: it did not come */
export async function untilFullService(url: string, timeoutMs: number): Promise<number | null> {
  const startMs = performance.now()
  const isFull = await eventually(timeoutMs, async () => listFallen(await readState(url)).length === 0)
  return isFull === null ? null : performance.now() - startMs
}

/** Waits for a state. @returns how long that took, in milliseconds; null: it did not come */
export async function untilState(
  url: string,
  timeoutMs: number,
  isIt: (state: ServiceState) => boolean,
): Promise<number | null> {
  const startMs = performance.now()
  const found = await eventually(timeoutMs, async () => {
    const state = await readState(url)
    return state !== null && isIt(state)
  })
  return found === null ? null : performance.now() - startMs
}

/** Open files and connections of each role. */
export async function countHandles(product: Product): Promise<Map<string, number>> {
  const { roles } = await product.status()
  const counts = new Map<string, number>()
  for (const { role, pid } of roles)
    if (pid !== null) counts.set(role, (await readdir(`/proc/${pid}/fd`).catch(() => [])).length)
  return counts
}

/** Who has been started how often, to be compared. */
export async function listRestarts(product: Product): Promise<string> {
  const { roles } = await product.status()
  return roles.map(({ role, pid, restartCount }) => `${role} ${pid} (${restartCount})`).join(', ')
}
